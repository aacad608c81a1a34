"""The way out: events are rows in the transaction that decided them, until the relay sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any, NamedTuple
from uuid import UUID

from contracts.envelope import encode
from contracts.facts import Event
from runtime.db import Connection, Database
from runtime.tracing import current_traceparent

BELL_INTERVAL_S = 0.02

APPEND_SQL = """
insert into outbox (day, event_id, topic, key, headers, value, feeds, direct)
select day, event_id, topic, key, headers, value,
       case when feeds = '' then '{}'::text[] else string_to_array(feeds, ' ') end, direct
from unnest(
    $1::date[], $2::uuid[], $3::text[], $4::bytea[], $5::jsonb[], $6::bytea[],
    $7::text[], $8::boolean[]
) with ordinality as row (day, event_id, topic, key, headers, value, feeds, direct, n)
order by n
"""


@dataclass(frozen=True)
class Outgoing:
    """An event that leaves. `feeds` are the live streams that show it, by name without spaces.

    `direct` marks an event whose own process sends it at once (see SendNow); the relay takes it
    only when it is left over, perhaps behind later ones: only for events that no other of their
    subject on their topic can follow.
    """

    event: Event
    feeds: tuple[str, ...] = ()
    direct: bool = False


class Line(NamedTuple):
    """What the outbox keeps of an event; `feeds` are its streams with spaces between."""

    day: date
    event_id: UUID
    topic: str
    key: bytes
    headers: dict[str, str]
    value: bytes
    feeds: str
    direct: bool


def line(item: Outgoing) -> Line:
    """With this task's trace, where the event has none of its own."""
    record, trace = encode(item.event), current_traceparent()
    if trace and "traceparent" not in record.headers:
        record.headers["traceparent"] = trace
    return Line(
        day=item.event.occurred_at.astimezone(UTC).date(),
        event_id=item.event.event_id,
        topic=record.topic,
        key=record.key,
        headers=record.headers,
        value=record.value,
        feeds=" ".join(item.feeds),
        direct=item.direct,
    )


def columns(lines: Sequence[Line]) -> list[list[Any]]:
    """The eight arrays of APPEND_SQL."""
    return [list(column) for column in zip(*lines, strict=True)]


async def append(connection: Connection, outgoing: Sequence[Outgoing]) -> None:
    """Writes the events in order; call it while the rows that they speak of are locked."""
    if outgoing:
        await connection.execute(APPEND_SQL, *columns([line(each) for each in outgoing]))


class Bell:
    """Wakes the relay of another process: at most one NOTIFY per 20 ms, outside transactions."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._pending: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Says that rows were committed. Never waits, never fails: the relay also polls."""
        if self._pending is None or self._pending.done():
            self._pending = asyncio.get_running_loop().create_task(self._notify())

    async def _notify(self) -> None:
        await asyncio.sleep(BELL_INTERVAL_S)
        self._pending = None
        try:
            await self._db.execute(f"notify {self._db.schema}_outbox")
        except Exception:  # the relay's slow poll finds the rows anyway
            return
