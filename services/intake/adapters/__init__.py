"""The edges out of intake: what it stores and whom it asks."""
