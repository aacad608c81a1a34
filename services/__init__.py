"""The services: each takes facts from the bus, decides, and tells its own."""
