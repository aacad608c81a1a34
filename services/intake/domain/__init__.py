"""What intake decides: pure."""
