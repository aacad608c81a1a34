"""Real Kafka and PostgreSQL from packages, as children of this process: nothing to install."""
