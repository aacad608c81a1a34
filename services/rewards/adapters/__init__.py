"""Rewards' edges out: its tables."""
