"""Deadlines worked by hand. 2026-11-23 is a Monday; all times are Xi'an's, UTC+8, but the last."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.city import Deadline, Window
from services.dispatch.domain.clocks import (
    WEEKDAYS,
    Clock,
    Hours,
    advance,
    counted_s,
    milestones,
    resume,
    set_clocks,
    suspend,
)

XIAN = "Asia/Shanghai"
DAY = Window(7 * 60, 21 * 60)
ANY_HOUR = Hours(XIAN)
BY_DAY = Hours(XIAN, DAY)


def at(local: str, timezone: str = XIAN) -> datetime:
    """`24 10:00` in November 2026, or a longer ISO beginning."""
    text = local if len(local) > 10 else f"2026-11-{local}"
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone))


def deadline(
    accept: float = 30,
    safe: float | None = None,
    hours: float | None = None,
    days: int | None = None,
    window: Window | None = DAY,
) -> Deadline:
    return Deadline(
        accept_minutes=accept,
        make_safe_hours=safe,
        resolve_hours=hours,
        resolve_workdays=days,
        window=window,
        basis="estimate",
    )


RESOLVE = [
    # opened, limit, resolve by
    ("24 10:00", deadline(hours=4), "24 14:00"),
    ("24 17:00", deadline(hours=4), "24 21:00"),  # the last second of the window still counts
    ("24 17:01", deadline(hours=4), "25 07:01"),
    ("24 20:00", deadline(hours=4), "25 10:00"),  # one hour today, three tomorrow
    ("24 21:00", deadline(hours=4), "25 11:00"),  # closing time is outside
    ("24 03:00", deadline(hours=4), "24 11:00"),  # before opening
    ("24 07:00", deadline(hours=4), "24 11:00"),  # opening time is inside
    ("28 20:30", deadline(hours=1), "29 07:30"),  # hours count at the weekend
    ("24 12:00", deadline(hours=24), "26 08:00"),  # 9 h, 14 h, 1 h
    ("24 23:30", deadline(hours=48, window=None), "26 23:30"),
    ("24 23:30", deadline(hours=1, window=None), "25 00:30"),
    ("24 10:00", deadline(days=1), "25 21:00"),  # the opening day does not count
    ("24 23:59", deadline(days=1), "25 21:00"),
    ("27 10:00", deadline(days=1), "30 21:00"),  # Friday to Monday
    ("28 10:00", deadline(days=1), "30 21:00"),  # Saturday
    ("29 23:00", deadline(days=1), "30 21:00"),  # Sunday night
    ("24 10:00", deadline(days=5), "2026-12-01 21:00"),
    ("26 10:00", deadline(days=2, window=None), "2026-12-01 00:00"),  # Monday 24:00
    ("23 00:00", deadline(days=3, window=None), "27 00:00"),
    ("2026-12-31 10:00", deadline(days=1), "2027-01-01 21:00"),  # by the weekday
]


@pytest.mark.parametrize(("opened", "limit", "by"), RESOLVE)
def test_resolve_by(opened: str, limit: Deadline, by: str) -> None:
    clocks = set_clocks(at(opened), limit, XIAN, dangerous=False)
    assert clocks.resolve_by == at(by)
    assert not clocks.provisional


PROMPT = [
    # opened, dangerous, accept by (30 min), make safe by (2 h)
    ("24 10:00", False, "24 10:30", "24 12:00"),
    ("24 20:45", False, "25 07:15", "25 08:45"),
    ("24 20:30", False, "24 21:00", "25 08:30"),
    ("24 03:00", False, "24 07:30", "24 09:00"),
    ("24 03:00", True, "24 03:30", "24 05:00"),
    ("28 23:45", True, "29 00:15", "29 01:45"),
]


@pytest.mark.parametrize(("opened", "dangerous", "accept", "safe"), PROMPT)
def test_danger_counts_at_any_hour(opened: str, dangerous: bool, accept: str, safe: str) -> None:
    clocks = set_clocks(at(opened), deadline(safe=2, hours=4), XIAN, dangerous)
    assert (clocks.accept_by, clocks.make_safe_by) == (at(accept), at(safe))


def test_no_limit_to_make_safe() -> None:
    assert set_clocks(at("24 10:00"), deadline(hours=4), XIAN, False).make_safe_by is None


def test_all_instants_are_utc() -> None:
    clocks = set_clocks(at("24 20:00"), deadline(safe=1, hours=4), XIAN, False)
    instants = (clocks.accept_by, clocks.make_safe_by, clocks.resolve_by)
    assert {each.tzinfo for each in instants if each} == {UTC}


MILESTONES = [
    # opened, limit, warn (80 %), overdue, escalate (150 %)
    ("24 10:00", deadline(hours=4), "24 13:12", "24 14:00", "24 16:00"),
    ("24 20:00", deadline(hours=4), "25 09:12", "25 10:00", "25 12:00"),
    ("24 16:00", deadline(hours=4), "24 19:12", "24 20:00", "25 08:00"),
    # 11 h today and 14 h tomorrow are 25 h: 80 % is 20 h, 150 % is 37.5 h
    ("24 10:00", deadline(days=1), "25 16:00", "25 21:00", "26 19:30"),
    # 11 h on Friday, 14 h on Monday; the weekend counts nothing
    ("27 10:00", deadline(days=1), "30 16:00", "30 21:00", "2026-12-01 19:30"),
]


@pytest.mark.parametrize(("opened", "limit", "warn", "overdue", "escalate"), MILESTONES)
def test_milestones(opened: str, limit: Deadline, warn: str, overdue: str, escalate: str) -> None:
    clock = set_clocks(at(opened), limit, XIAN, False).resolve
    assert milestones(clock) == (at(warn), at(overdue), at(escalate))


def test_a_suspension_gives_back_what_was_left() -> None:
    clock = set_clocks(at("24 10:00"), deadline(hours=4), XIAN, False).resolve
    held = suspend(clock, at("24 11:00"))
    assert held.suspended_at == at("24 11:00")
    again = resume(held, at("26 20:00"))
    assert again.due_at == at("27 09:00")  # three hours left: one that evening, two next day
    assert milestones(again).warn_at == at("27 08:12")
    assert resume(suspend(again, at("27 08:00")), at("27 12:00")).due_at == at("27 13:00")


def test_a_milestone_that_is_past_reads_as_the_resumption() -> None:
    clock = set_clocks(at("24 10:00"), deadline(hours=4), XIAN, False).resolve
    again = resume(suspend(clock, at("24 13:30")), at("25 10:00"))
    assert milestones(again) == (at("25 10:00"), at("25 10:30"), at("25 12:30"))


def test_suspending_twice_or_resuming_a_running_clock_changes_nothing() -> None:
    clock = set_clocks(at("24 10:00"), deadline(hours=4), XIAN, False).resolve
    held = suspend(clock, at("24 11:00"))
    assert suspend(held, at("24 12:00")) == held
    assert resume(clock, at("24 12:00")) == clock


def test_the_hour_that_summer_time_takes() -> None:
    # Berlin, 2026-03-29: 02:00 becomes 03:00, the day has 23 hours
    limit = deadline(hours=24, window=None)
    by = set_clocks(at("2026-03-28 12:00", "Europe/Berlin"), limit, "Europe/Berlin", False)
    assert by.resolve_by == at("2026-03-29 13:00", "Europe/Berlin")
    day = Hours("Europe/Berlin", Window(0, 1440))
    start, end = (at(each, "Europe/Berlin") for each in ("2026-03-29 00:00", "2026-03-30 00:00"))
    assert counted_s(day, start, end) == 23 * 3600


instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
all_hours = st.sampled_from(
    [ANY_HOUR, BY_DAY, Hours(XIAN, DAY, WEEKDAYS), Hours(XIAN, None, WEEKDAYS)]
)


@settings(deadline=None)
@given(all_hours, instants, st.integers(1, 400_000))
def test_advance_and_count_agree(hours: Hours, start: datetime, seconds: int) -> None:
    assert counted_s(hours, start, advance(hours, start, seconds)) == seconds


@settings(deadline=None)
@given(all_hours, instants, st.integers(60, 400_000), st.integers(0, 400_000))
def test_a_suspension_of_no_length_changes_nothing(
    hours: Hours, start: datetime, budget_s: int, after_s: int
) -> None:
    clock = Clock(hours, budget_s, start)
    moment = advance(hours, start, min(after_s, budget_s - 1))
    assert resume(suspend(clock, moment), moment).due_at == clock.due_at
