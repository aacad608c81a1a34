"""The shared vocabulary of the services: topics, events, paths, the city's shapes. Pure data."""
