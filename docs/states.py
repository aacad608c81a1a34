"""The page of a case's states, from dispatch's golden table."""

from __future__ import annotations


def documents() -> dict[str, str]:
    """docs/states.md -> its text, once the table exists."""
    return {}
