"""What rewards decides: pure."""
