"""What a service has already taken: an event id inserted once is an effect made once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from uuid import UUID

from contracts.facts import Event, InvalidEvent
from runtime.db import Connection
from runtime.plumbing import AHEAD_DAYS, HORIZON_DAYS

_CLAIM = """
insert into inbox (day, event_id) select * from unnest($1::date[], $2::uuid[])
on conflict do nothing returning event_id
"""


def day_of(event: Event) -> date:
    """The UTC day whose partition keeps the event's id."""
    return event.occurred_at.astimezone(UTC).date()


def check_horizon(event: Event, today: date) -> None:
    """Raises InvalidEvent for an event that the inbox cannot remember."""
    day = day_of(event)
    if day < today - timedelta(days=HORIZON_DAYS):
        raise InvalidEvent(f"older than {HORIZON_DAYS} days")
    if day >= today + timedelta(days=AHEAD_DAYS):
        raise InvalidEvent("from the future")


async def claim(connection: Connection, events: Sequence[Event]) -> set[UUID]:
    """The ids among these that nobody took before. Waits for a rival that is taking one now."""
    ordered = sorted((day_of(event), event.event_id) for event in events)
    rows = await connection.fetch(
        _CLAIM, [day for day, _ in ordered], [event_id for _, event_id in ordered]
    )
    return {row["event_id"] for row in rows}
