"""Consumes observers and reports, decides who answers and by when, emits cases."""
