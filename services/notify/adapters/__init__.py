"""Notify's edges out: its tables, and the receivers of webhooks."""
