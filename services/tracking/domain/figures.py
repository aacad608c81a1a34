"""What the cases of some days add up to, kept up to date by what changes."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import NamedTuple

from msgspec import Struct

from services.tracking.domain.searching import RUNNING


class Change(NamedTuple):
    """A case as it is now (`sign` 1) or as it was before (-1). Microseconds from its opening."""

    sign: int
    day: date
    community: str
    category: str
    state: str
    resolve_by: datetime
    accept_us: int | None = None
    resolve_us: int | None = None
    late: bool = False


class Deadline(NamedTuple):
    """From then on `sign` cases more are overdue."""

    at: datetime
    sign: int
    day: date
    community: str
    category: str


class Sums(Struct):
    """Of one community, category or day, or of all. Microseconds are added up, not averaged."""

    cases: int = 0
    running: int = 0
    closed: int = 0
    refused: int = 0
    accepted: int = 0
    accept_us: int = 0
    resolved: int = 0
    resolve_us: int = 0
    late: int = 0
    overdue: int = 0

    def add(self, change: Change) -> None:
        """Counts a case, or takes back what it was."""
        sign = change.sign
        self.cases += sign
        self.running += sign * (change.state in RUNNING)
        self.closed += sign * (change.state == "closed")
        self.refused += sign * (change.state == "refused")
        if change.accept_us is not None:
            self.accepted += sign
            self.accept_us += sign * change.accept_us
        if change.resolve_us is not None:
            self.resolved += sign
            self.resolve_us += sign * change.resolve_us
        self.late += sign * change.late


class Figures:
    """The sums of every community, category and day, and those of all days."""

    def __init__(self, deadlines: Iterable[Deadline] = ()) -> None:
        self.total = Sums()
        self.by_community: defaultdict[str, Sums] = defaultdict(Sums)
        self.by_category: defaultdict[str, Sums] = defaultdict(Sums)
        self.by_day: defaultdict[date, Sums] = defaultdict(Sums)
        self._deadlines = list(deadlines)
        heapq.heapify(self._deadlines)

    def add(self, changes: Iterable[Change]) -> None:
        """In any order; what is overdue is counted by `pass_to`."""
        for change in changes:
            for sums in self._of(change):
                sums.add(change)
            if change.state in RUNNING:
                sign, day, community, category = change[:4]
                due = Deadline(change.resolve_by, sign, day, community, category)
                heapq.heappush(self._deadlines, due)

    def pass_to(self, now: datetime) -> None:
        """Counts every deadline before `now`. A clock that goes back takes nothing back."""
        while self._deadlines and self._deadlines[0].at < now:
            passed = heapq.heappop(self._deadlines)
            for sums in self._of(passed):
                sums.overdue += passed.sign

    def _of(self, what: Change | Deadline) -> Iterator[Sums]:
        yield self.total
        yield self.by_community[what.community]
        yield self.by_category[what.category]
        yield self.by_day[what.day]
