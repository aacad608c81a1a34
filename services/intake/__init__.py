"""Consumes submissions, decides what they say and where; emits observers, submissions, reports."""
