"""Consumes observers and cases, decides who earned what, emits credits."""
