"""How the door asks the services behind it."""
