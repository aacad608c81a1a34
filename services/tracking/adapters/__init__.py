"""Tracking's edges out: its tables, and intake over HTTP."""
