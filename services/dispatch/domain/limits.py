"""The clocks of a case: set, stopped, run on, set anew; always from what its body remembers.

- A new owner has its own time to accept, from the moment it gets the case.
- The time to resolve runs from opening (or reopening), whoever owns the case. It stands still while
  the case is suspended, and while it is resolved: a dispute gives back what was left then.
- Another category, more danger or more time change the limits as if it had been so from the start;
  what had been announced and now lies ahead again may be announced again.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from contracts.cases import Case, CaseClocks, Pause
from contracts.city import City
from services.dispatch.domain.clocks import (
    Clock,
    advance,
    is_provisional,
    left_s,
    prompt_hours,
    resume,
    set_clocks,
    suspend,
)

UNACCEPTED = "unaccepted-"
"""Milestones that a new owner begins without."""


def clocks_of(city: City, category: str | None, dangerous: bool, start: datetime) -> CaseClocks:
    """The limits of a case of this category whose time starts then."""
    limits = set_clocks(start, city.deadline(category), city.timezone, dangerous, city.calendar)
    return CaseClocks(
        accept_by=limits.accept_by,
        make_safe_by=limits.make_safe_by,
        resolve_by=limits.resolve_by,
        provisional=limits.provisional,
        start=start,
    )


def resolve_clock(case: Case, city: City) -> Clock:
    """The clock to resolve with its pauses, and stopped if it is."""
    clocks = case.clocks
    start = clocks.start or case.opened_at
    deadline = city.deadline(case.category)
    limits = set_clocks(start, deadline, city.timezone, case.dangerous, city.calendar)
    clock = limits.resolve
    if clocks.extended_h:
        clock = replace(clock, budget_s=clock.budget_s + clocks.extended_h * 3600)
    for pause in clocks.pauses:
        clock = resume(suspend(clock, pause.since), pause.until)
    return clock if clocks.stopped_at is None else suspend(clock, clocks.stopped_at)


def stopped(case: Case, now: datetime, city: City) -> CaseClocks:
    """The clock stands still from now on; what was left is kept."""
    if case.clocks.stopped_at is not None:
        return case.clocks
    left = left_s(resolve_clock(case, city), now)
    return replace(case.clocks, stopped_at=now, left_s=round(left, 3))


def running(case: Case, now: datetime, city: City) -> CaseClocks:
    """The clock runs on from now with what was left."""
    clocks = case.clocks
    if clocks.stopped_at is None:
        return clocks
    on = replace(
        clocks,
        pauses=(*clocks.pauses, Pause(since=clocks.stopped_at, until=now)),
        stopped_at=None,
        left_s=None,
        suspended_at=None,
    )
    return _fitted(replace(case, clocks=on), city)


def reassigned(case: Case, now: datetime, city: City) -> CaseClocks:
    """A new owner's time to accept."""
    deadline = city.deadline(case.category)
    hours = prompt_hours(deadline, city.timezone, case.dangerous)
    return replace(
        case.clocks,
        assigned_at=now,
        accept_by=advance(hours, now, deadline.accept_minutes * 60),
        told=tuple(each for each in case.clocks.told if not each.startswith(UNACCEPTED)),
    )


def refitted(case: Case, city: City) -> CaseClocks:
    """All limits of a case whose category, danger or calendar is another now."""
    clocks = case.clocks
    start = clocks.start or case.opened_at
    limits = clocks_of(city, case.category, case.dangerous, start)
    since = clocks.assigned_at or start
    accept = clocks_of(city, case.category, case.dangerous, since)
    anew = replace(
        clocks, start=start, accept_by=accept.accept_by, make_safe_by=limits.make_safe_by
    )
    return _fitted(replace(case, clocks=anew), city)


def extended(case: Case, hours: float, city: City) -> CaseClocks:
    """That many counted hours more."""
    more = replace(case.clocks, extended_h=case.clocks.extended_h + hours)
    return _fitted(replace(case, clocks=more), city)


def _fitted(case: Case, city: City) -> CaseClocks:
    clocks, clock = case.clocks, resolve_clock(case, city)
    start = clocks.start or case.opened_at
    left = None
    if clocks.stopped_at is not None:
        left = round(left_s(clock, clocks.stopped_at), 3)
    return replace(
        clocks,
        resolve_by=clock.due_at,
        provisional=is_provisional(clock, start),
        left_s=left,
    )
