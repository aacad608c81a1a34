"""Consumes observers, reports, cases and credits, decides who hears what, emits notices."""
