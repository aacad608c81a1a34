"""Consumes every topic, decides what each reader may see of it, emits nothing."""
