"""What tracking makes of facts: pure."""
