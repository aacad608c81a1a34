"""What dispatch decides: pure."""
