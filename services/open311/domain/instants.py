"""Dates as clients write them, and the windows that they ask for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from services.open311.domain.faults import faulty

SPAN = timedelta(days=90)
WHOLE_SECOND = timedelta(microseconds=999_999)
# A plus sign that came through a query unescaped is a space.
LOST_PLUS = re.compile(r"(\d:\d\d(?:[.,]\d+)?) (\d\d:?\d\d)$")
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

Window = tuple[datetime | None, datetime | None]


def instant(text: str, field: str, zone: tzinfo) -> datetime:
    """ISO 8601 with `T` or a space, with or without fractions; the city's time without an offset.

    Raises Faulty.
    """
    bad = faulty(field, "不是 ISO 8601 时间", "is not an ISO 8601 date")
    try:
        found = datetime.fromisoformat(LOST_PLUS.sub(r"\1+\2", text.strip()))
        aware = found if found.tzinfo else found.replace(tzinfo=zone)
        if not EARLIEST <= aware < LATEST:
            raise bad
        return aware.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise bad from error


def window(
    fields: tuple[str, str], texts: tuple[str, str], now: datetime, zone: tzinfo
) -> tuple[datetime, datetime]:
    """Start and end, both included; what is not said makes it 90 days. Raises Faulty."""
    start = instant(texts[0], fields[0], zone) if texts[0] else None
    end = instant(texts[1], fields[1], zone) if texts[1] else None
    if start is None:
        end = end or now
        return end - SPAN, _included(end)
    if end is None:
        return start, _included(max(start, min(now, start + SPAN)))
    if end < start:
        raise faulty(fields[1], "早于开始时间", f"is before {fields[0]}")
    if end - start > SPAN:
        raise faulty(fields[1], "时间范围最多 90 天", "The span may be 90 days at most")
    return start, _included(end)


def shown(at: datetime, zone: tzinfo) -> str:
    """ISO 8601 in the city's time, with a colon in the offset."""
    return at.astimezone(zone).isoformat(timespec="seconds")


def _included(end: datetime) -> datetime:
    """Answers show whole seconds: what is shown as the end belongs to it."""
    return end if end.microsecond else end + WHOLE_SECOND
