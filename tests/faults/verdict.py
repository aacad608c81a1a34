"""What a run came to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

MOST_TOLD = 5

Sql = Callable[..., Awaitable[list[Any]]]
"""Rows of a query with its arguments, as the administrator."""


@dataclass
class Verdict:
    """What a run came to: counts for the table, and every breach of an invariant by its name."""

    counts: dict[str, int] = field(default_factory=dict)
    breaches: dict[str, list[str]] = field(default_factory=dict)
    lag: int = 0
    unsent: int = 0
    settled_s: float = 0.0

    def breach(self, invariant: str, what: str) -> None:
        """One more finding."""
        self.breaches.setdefault(invariant, []).append(what)

    def told(self) -> str:
        """A few findings of each invariant."""
        return "; ".join(
            f"{name}: {len(found)} ({', '.join(found[:MOST_TOLD])})"
            for name, found in sorted(self.breaches.items())
        )
