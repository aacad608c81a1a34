"""Working days: of the State Council, as the package `chinesecalendar` lists them, or weekdays."""

from __future__ import annotations

from typing import Literal

from chinese_calendar import constants

from contracts.city import SATURDAY, WorkCalendar

Source = Literal["china", "weekdays"]


def work_calendar(source: Source) -> WorkCalendar:
    """`china` knows the years up to the last that was announced; `weekdays` all years."""
    if source == "weekdays":
        return WorkCalendar()
    return WorkCalendar(
        known=frozenset(day.year for day in constants.holidays),
        free=frozenset(day for day in constants.holidays if day.weekday() < SATURDAY),
        made_up=frozenset(constants.workdays),
    )
