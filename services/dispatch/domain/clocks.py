"""Until when a case has to be accepted, made safe and resolved; pure sums over working time.

Rules (rules.md "Deadlines", and the head of the city's categories.yaml):
- Acceptance and making safe count at any hour for a dangerous matter, else inside the window.
- Hours to resolve count inside the window, on every day of the week.
- Working days to resolve end with the window (at 24:00 without one) of the Nth working day after
  the opening day, which itself never counts. The city's calendar says which days are worked; a
  clock that reaches a year which it does not know yet goes by the weekday and is provisional.
- A clock is a budget of counted seconds. Warnings are shares of that budget, so 80 % of four
  hours from 20:00 is not at night, and a suspension gives back what was left.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from contracts.city import MINUTES_A_DAY, Deadline, Window, WorkCalendar

WEEKDAYS = WorkCalendar()


class Hours(msgspec.Struct, frozen=True):
    """When time counts: inside `window` (None: all day) of each day, or of `workdays` only."""

    timezone: str
    window: Window | None = None
    workdays: WorkCalendar | None = None


class Clock(msgspec.Struct, frozen=True):
    """A budget of `budget_s` counted seconds; `spent_s` of them were gone when it last started.

    `since` is that start, `suspended_at` is set while it stands still. All instants are UTC.
    """

    hours: Hours
    budget_s: float
    since: datetime
    spent_s: float = 0.0
    suspended_at: datetime | None = None

    @property
    def due_at(self) -> datetime:
        """When the budget is gone if nobody suspends (again)."""
        return instant(self, 1.0)


class Clocks(msgspec.Struct, frozen=True):
    """All limits of a case; `resolve` is the clock that can be suspended."""

    accept_by: datetime
    make_safe_by: datetime | None
    resolve: Clock
    provisional: bool

    @property
    def resolve_by(self) -> datetime:
        return self.resolve.due_at


class Milestones(NamedTuple):
    """Instants of the time to resolve; one that lay before the last resumption reads as that."""

    warn_at: datetime
    overdue_at: datetime
    escalate_at: datetime


def set_clocks(
    opened_at: datetime,
    deadline: Deadline,
    timezone: str,
    dangerous: bool,
    calendar: WorkCalendar = WEEKDAYS,
) -> Clocks:
    """The clocks of a case opened at an aware instant, by its category's deadline."""
    opened = opened_at.astimezone(UTC)
    windowed = Hours(timezone, deadline.window)
    prompt = prompt_hours(deadline, timezone, dangerous)
    safe_h = deadline.make_safe_hours
    resolve = _resolve_clock(opened, deadline, windowed, calendar)
    return Clocks(
        accept_by=advance(prompt, opened, deadline.accept_minutes * 60),
        make_safe_by=None if safe_h is None else advance(prompt, opened, safe_h * 3600),
        resolve=resolve,
        provisional=is_provisional(resolve, opened),
    )


def prompt_hours(deadline: Deadline, timezone: str, dangerous: bool) -> Hours:
    """When the time to accept and to make safe counts."""
    return Hours(timezone) if dangerous else Hours(timezone, deadline.window)


def is_provisional(clock: Clock, opened_at: datetime) -> bool:
    """Whether it reaches from its case's opening into a year that the calendar does not know."""
    if clock.hours.workdays is None:
        return False
    zone = ZoneInfo(clock.hours.timezone)
    # A limit at 24:00 is the end of the day before.
    last = (clock.due_at - timedelta(microseconds=1)).astimezone(zone).date()
    return not clock.hours.workdays.knows(opened_at.astimezone(zone).date(), last)


def milestones(clock: Clock, warn_at: float = 0.8, escalate_at: float = 1.5) -> Milestones:
    """When to warn, mark overdue and escalate, by shares of the budget."""
    return Milestones(instant(clock, warn_at), clock.due_at, instant(clock, escalate_at))


def suspend(clock: Clock, at: datetime) -> Clock:
    """The clock standing still from `at`; one that stands already is unchanged."""
    if clock.suspended_at is not None:
        return clock
    return msgspec.structs.replace(clock, suspended_at=at.astimezone(UTC))


def resume(clock: Clock, at: datetime) -> Clock:
    """The clock running again from `at` with what was left; one that runs is unchanged."""
    if clock.suspended_at is None:
        return clock
    spent_s = clock.spent_s + counted_s(clock.hours, clock.since, clock.suspended_at)
    return Clock(clock.hours, clock.budget_s, since=at.astimezone(UTC), spent_s=spent_s)


def advance(hours: Hours, start: datetime, seconds: float) -> datetime:
    """The instant (UTC) by which that many counted seconds have passed since `start`."""
    left = timedelta(seconds=seconds)
    if left <= timedelta(0):
        return start
    for opens, closes in _spans(hours, start):
        if opens + left <= closes:
            return opens + left
        left -= closes - opens
    raise AssertionError("working time never ends")


def counted_s(hours: Hours, start: datetime, end: datetime) -> float:
    """Counted seconds between two instants; 0 when `end` is not after `start`."""
    total = timedelta(0)
    for opens, closes in _spans(hours, start):
        if opens >= end:
            break
        total += min(closes, end) - opens
    return total.total_seconds()


def _resolve_clock(
    opened: datetime, deadline: Deadline, windowed: Hours, calendar: WorkCalendar
) -> Clock:
    if deadline.resolve_hours is not None:
        return Clock(windowed, deadline.resolve_hours * 3600, opened)
    assert deadline.resolve_workdays is not None  # cities.load holds it: exactly one is set
    hours = msgspec.structs.replace(windowed, workdays=calendar)
    due = _end_of_workday(hours, calendar, opened, deadline.resolve_workdays)
    return Clock(hours, counted_s(hours, opened, due), opened)


def left_s(clock: Clock, at: datetime) -> float:
    """Counted seconds that are left at an instant; less than 0 once it is overdue."""
    until = clock.suspended_at or at
    return clock.budget_s - clock.spent_s - counted_s(clock.hours, clock.since, until)


def instant(clock: Clock, share: float) -> datetime:
    """When that share of the budget is gone; one that lay before `since` reads as that."""
    return advance(clock.hours, clock.since, share * clock.budget_s - clock.spent_s)


def _end_of_workday(
    hours: Hours, calendar: WorkCalendar, opened: datetime, number: int
) -> datetime:
    """The end of the Nth working day after the local day of opening."""
    day = opened.astimezone(ZoneInfo(hours.timezone)).date()
    while number > 0:
        day += timedelta(days=1)
        number -= calendar.is_workday(day)
    return _span_of(hours, day)[1]


def _spans(hours: Hours, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Spans of counted time from `start` on, without end; the first may be cut by it."""
    day = start.astimezone(ZoneInfo(hours.timezone)).date()
    while True:
        if hours.workdays is None or hours.workdays.is_workday(day):
            opens, closes = _span_of(hours, day)
            if closes > start:
                yield max(opens, start), closes
        day += timedelta(days=1)


def _span_of(hours: Hours, day: date) -> tuple[datetime, datetime]:
    """The counted span of one local day, in UTC (a day may have 23 or 25 hours)."""
    window = hours.window or Window(0, MINUTES_A_DAY)
    return _at(hours, day, window.start_min), _at(hours, day, window.end_min)


def _at(hours: Hours, day: date, minute: int) -> datetime:
    """The instant of a local wall clock reading; 24:00 is the next day's 0:00."""
    local_day = day + timedelta(days=minute // MINUTES_A_DAY)
    local = datetime(
        local_day.year,
        local_day.month,
        local_day.day,
        minute % MINUTES_A_DAY // 60,
        minute % 60,
        tzinfo=ZoneInfo(hours.timezone),
    )
    return local.astimezone(UTC)
