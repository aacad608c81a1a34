"""What an operator may look for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.cases import Case, CaseState
from services.tracking.domain.bigrams import bigrams, folded

RUNNING: tuple[CaseState, ...] = ("opened", "assigned", "accepted", "in-progress", "disputed")
"""The states in which the clock runs."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """WGS-84 degrees."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Everything set must hold; `since` is the opening, `words` stand in text or code."""

    box: Box | None = None
    states: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    communities: tuple[str, ...] = ()
    overdue: bool | None = None
    since: datetime | None = None
    words: tuple[str, ...] = ()

    def pairs(self) -> list[str]:
        """The bigrams that a case must have for its words to be looked at."""
        return bigrams(*self.words)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a search, as the bigrams know them."""
    return tuple(dict.fromkeys(folded(text).split()))


def overdue(case: Case, now: datetime) -> bool:
    """Whether the limit to resolve passed while the clock runs."""
    return case.state in RUNNING and case.clocks.resolve_by < now
