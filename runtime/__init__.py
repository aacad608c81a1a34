"""Plumbing without one business word: the guard, the relay, and what every process needs."""
