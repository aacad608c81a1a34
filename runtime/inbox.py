"""What a service has already taken: an event id inserted once is an effect made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from uuid import UUID

from contracts.erasing import people_of
from contracts.facts import Event, InvalidEvent
from runtime.db import Connection
from runtime.plumbing import AHEAD_DAYS, HORIZON_DAYS

# One round trip for all that the guard has to know of a batch. Nobody is erased or linked while
# the transaction has `erasure.SHARED`, so it does not matter that a claim may wait for a rival.
_CLAIM = """
with claimed as (
    insert into inbox (day, event_id) select * from unnest($1::date[], $2::uuid[])
    on conflict do nothing returning event_id
)
select array(select event_id from claimed) as fresh,
    array(select reporter_id from erased where reporter_id = any ($3::text[])) as erased,
    (select coalesce(jsonb_object_agg(from_reporter_id, reporter_id), '{}')
     from links where from_reporter_id = any ($3::text[])) as links
"""


@dataclass(frozen=True)
class Claimed:
    """Ids of events that nobody took before; of the people in them, the erased; their links.

    `links`: a device's reporter -> the person whom it joined.
    """

    fresh: frozenset[UUID]
    erased: frozenset[str]
    links: Mapping[str, str]


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


async def claim(connection: Connection, events: Sequence[Event]) -> Claimed:
    """Takes the events that nobody took before. Waits for a rival that is taking one now."""
    ordered = sorted((day_of(event), event.event_id) for event in events)
    row = await connection.fetchrow(
        _CLAIM,
        [day for day, _ in ordered],
        [event_id for _, event_id in ordered],
        sorted({person for event in events for person in people_of(event.body)}),
    )
    return Claimed(frozenset(row["fresh"]), frozenset(row["erased"]), row["links"])
