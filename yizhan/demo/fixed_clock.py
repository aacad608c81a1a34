"""Deadlines where the calendar matters, on a fixed clock: expected instants written by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.city import City
from services.dispatch.domain.clocks import set_clocks


@dataclass(frozen=True)
class Row:
    """Opened, accept by, resolve by: the city's wall clock, +08:00."""

    category: str
    opened: str
    accept_by: str
    resolve_by: str
    why: str


ROWS = (
    Row(
        "06042",
        "2026-11-20 20:50",
        "2026-11-21 07:20",
        "2026-11-21 10:50",
        "垃圾桶 bin: 07:00-21:00, 隔夜接着算 goes on in the morning",
    ),
    Row(
        "04013",
        "2026-11-20 20:50",
        "2026-11-21 08:50",
        "2026-11-27 21:00",
        "绿地 greenery: 5 个工作日 working days",
    ),
    Row(
        "04013",
        "2026-02-13 10:00",
        "2026-02-13 12:00",
        "2026-02-27 21:00",
        "绿地 greenery: 春节 Spring Festival 15-23, 周六 Saturday 14 补班 worked",
    ),
    Row(
        "01037",
        "2026-11-20 23:40",
        "2026-11-21 00:10",
        "2026-11-22 23:40",
        "路灯 lamp: 昼夜计时 round the clock",
    ),
    Row(
        "01002",
        "2026-12-31 22:00",
        "2026-12-31 22:15",
        "2027-01-01 04:00",
        "井盖 manhole: 跨年夜也算 New Year's night counts too",
    ),
    Row(
        "L-0406",
        "2026-11-22 03:00",
        "2026-11-22 03:15",
        "2026-11-22 07:00",
        "积水 water: 昼夜计时 round the clock",
    ),
)
"""By the deadlines in cities/xian/categories.yaml; 2026-11-20 is a Friday."""


def found(row: Row, city: City) -> tuple[str, str]:
    """Accept by and resolve by, as dispatch computes them for that instant."""
    opened = datetime.fromisoformat(row.opened + "+08:00")
    category = city.category(row.category)
    assert category is not None
    clocks = set_clocks(opened, category.deadline, city.timezone, category.danger, city.calendar)
    return _wall(clocks.accept_by, opened), _wall(clocks.resolve_by, opened)


def _wall(at: datetime, like: datetime) -> str:
    return at.astimezone(like.tzinfo).strftime("%Y-%m-%d %H:%M")
