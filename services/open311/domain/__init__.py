"""What Open311's words mean here; pure."""
