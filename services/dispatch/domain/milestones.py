"""What a clock says by itself, and when: warned, overdue, watched from above.

- unaccepted-street, unaccepted-district: the city's minutes past the limit to accept, while nobody
  has accepted. CaseEscalated to that level.
- unsafe: the limit to make safe, while it is neither made safe nor resolved. CaseEscalated to the
  next level.
- warned, overdue: `warn_at` and all of the time to resolve, while it runs. CaseWarned, CaseOverdue.
- escalated, escalated-again: `escalate_at` and `escalate_again_at` of it, while it runs.
  CaseEscalated to the next level.

The next level is the street, when it watches the district; when both watch there is none. Each is
told once in a round, unless the limit moved ahead of it again (more time, another category).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from contracts.cases import (
    Case,
    CaseClocks,
    CaseEscalated,
    CaseFact,
    CaseOverdue,
    CaseState,
    CaseWarned,
)
from contracts.city import City
from contracts.facts import SYSTEM
from services.dispatch.domain.clocks import instant
from services.dispatch.domain.limits import UNACCEPTED, resolve_clock

DIGITS = {"street": 9, "district": 6}
WAITING: frozenset[CaseState] = frozenset({"opened", "assigned"})
RUNNING: frozenset[CaseState] = WAITING | {"accepted", "in-progress", "disputed"}
UNSAFE: frozenset[CaseState] = RUNNING | {"suspended"}
REASONS = {"unsafe": "not-made-safe"}


@dataclass(frozen=True, order=True)
class Milestone:
    """What is due at an aware instant; `level` says who starts to watch, None: nobody."""

    at: datetime
    name: str
    level: str | None = None


def next_at(case: Case, city: City) -> datetime | None:
    """When the next milestone is due; None: never, as things stand."""
    return min((each.at for each in _ahead(case, city)), default=None)


def fire(case: Case, now: datetime, city: City, area: str) -> tuple[CaseFact, ...]:
    """All that is due by now, in the order in which it fell due.

    `area`: the code of the community where the case is (12 digits), or of a division above.
    """
    facts: list[CaseFact] = []
    while due := min((each for each in _ahead(case, city) if each.at <= now), default=None):
        fact = _said(case, due, now, area)
        facts.append(fact)
        case = fact.case
    return tuple(facts)


def ahead_again(case: Case, now: datetime, city: City) -> CaseClocks:
    """The clocks without those announcements that lie ahead once more."""
    clock = resolve_clock(case, city)
    shares = _shares(city)
    told = tuple(
        each
        for each in case.clocks.told
        if each not in shares or instant(clock, shares[each]) <= now
    )
    return replace(case.clocks, told=told)


def _shares(city: City) -> dict[str, float]:
    return {
        "warned": city.warn_at,
        "overdue": 1.0,
        "escalated": city.escalate_at,
        "escalated-again": city.escalate_again_at,
    }


def _ahead(case: Case, city: City) -> Iterator[Milestone]:
    """Those that come next on each of the case's clocks, if time goes on like this."""
    clocks, state = case.clocks, case.state
    level = _next_level(case)
    if state in WAITING:
        for step in city.escalation:
            name = UNACCEPTED + step.to
            if name not in clocks.told and not _watched(case, step.to):
                at = clocks.accept_by + timedelta(minutes=step.after_min)
                yield Milestone(at, name, step.to)
    unsafe = state in UNSAFE and case.made_safe_at is None and "unsafe" not in clocks.told
    if unsafe and clocks.make_safe_by is not None and level is not None:
        yield Milestone(clocks.make_safe_by, "unsafe", level)
    if state in RUNNING and clocks.stopped_at is None:
        yield from _of_resolving(case, city, level)


def _of_resolving(case: Case, city: City, level: str | None) -> Iterator[Milestone]:
    for name, share in _shares(city).items():
        if name in case.clocks.told:
            continue
        above = name.startswith("escalated")
        if above and level is None:
            continue
        at = instant(resolve_clock(case, city), share)
        yield Milestone(at, name, level if above else None)
        return


def _said(case: Case, due: Milestone, now: datetime, area: str) -> CaseFact:
    clocks = replace(case.clocks, told=(*case.clocks.told, due.name))
    after = replace(case, seq=case.seq + 1, updated_at=now, clocks=clocks)
    if due.level is None:
        fact = CaseWarned if due.name == "warned" else CaseOverdue
        return fact(case=after, by=SYSTEM)
    to = area[: DIGITS[due.level]]
    after = replace(after, watchers=tuple(dict.fromkeys((*case.watchers, to))))
    waits = due.name.startswith(UNACCEPTED)
    reason = "not-accepted" if waits else REASONS.get(due.name, "not-resolved")
    return CaseEscalated(case=after, by=SYSTEM, to=to, reason=reason)


def _next_level(case: Case) -> str | None:
    return next((level for level in DIGITS if not _watched(case, level)), None)


def _watched(case: Case, level: str) -> bool:
    return any(len(code) == DIGITS[level] for code in case.watchers)
