"""Deliveries in SQL: the log of what went to a webhook, and the job that sends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from runtime import lanes
from runtime.db import Connection, Database
from runtime.jobs import NewJob
from services.notify.domain.webhooks import Delivery

SEND = "webhook"
DeliveryState = Literal["pending", "delivered", "failed"]

_ADD = """
insert into deliveries (id, webhook_id, event_id, type, about, correlation_id, occurred_at, body)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[],
    $7::timestamptz[], $8::text[])
on conflict do nothing returning id, webhook_id
"""
_TO_SEND = """
select d.id, d.webhook_id, d.event_id, d.type, d.about, d.correlation_id, d.occurred_at, d.body,
       w.url, w.active, w.secret,
       case when w.previous_until > clock_timestamp() then w.previous_secret end as previous_secret
from deliveries d join webhooks w on w.id = d.webhook_id where d.id = $1
"""
_TRIED = """
update deliveries set attempts = attempts + 1, last_status = $2, last_error = $3, took_ms = $4,
    last_at = clock_timestamp()
where id = $1
"""
_END = """
update deliveries set state = $2, last_error = coalesce($3, last_error), told = told + 1
where id = $1
returning webhook_id, event_id, about, correlation_id, attempts, type, last_error, told
"""
_PAGE = """
select id, webhook_id, event_id, type, about, state, attempts, last_status, last_error, last_at,
    took_ms, created_at
from deliveries
where webhook_id = $1 and ($2::text is null or state = $2)
  and ($3::timestamptz is null or (created_at, id) < ($3, $4))
order by created_at desc, id desc limit $5
"""
_LOCK = "select * from deliveries where id = $1 and webhook_id = $2 for update"
_AGAIN = "update deliveries set state = 'pending' where id = $1 returning *"


@dataclass(frozen=True)
class Line:
    """One line of the log: the latest attempt and how many there were."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    type: str
    about: str
    state: DeliveryState
    attempts: int
    last_status: int | None
    last_error: str | None
    last_at: datetime | None
    took_ms: int | None
    created_at: datetime


@dataclass(frozen=True)
class ToSend:
    """A delivery with where it goes and the secrets that sign it, the newest first."""

    delivery: Delivery
    url: str
    active: bool
    secrets: tuple[str, ...]


async def add(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Inserts those that are new, with their jobs."""
    if not deliveries:
        return
    ordered = sorted(deliveries, key=lambda each: each.id)
    rows = await connection.fetch(
        _ADD,
        [each.id for each in ordered],
        [each.webhook_id for each in ordered],
        [each.event_id for each in ordered],
        [each.type for each in ordered],
        [each.about for each in ordered],
        [each.correlation_id for each in ordered],
        [each.occurred_at for each in ordered],
        [each.body for each in ordered],
    )
    await send_soon(connection, [(row["webhook_id"], row["id"]) for row in rows])


async def send_soon(connection: Connection, ids: Sequence[tuple[UUID, UUID]]) -> None:
    """Jobs for (webhook, delivery) pairs, each webhook a lane of its own."""
    await lanes.enqueue(
        connection, [(str(webhook), NewJob(SEND, str(each), {})) for webhook, each in ids]
    )


async def to_send(db: Database, delivery_id: UUID) -> ToSend | None:
    """None when the webhook is gone."""
    row: Any = await db.fetchrow(_TO_SEND, delivery_id)
    if row is None:
        return None
    delivery = Delivery(**{name: row[name] for name in Delivery.__struct_fields__})
    secrets = tuple(each for each in (row["secret"], row["previous_secret"]) if each)
    return ToSend(delivery, row["url"], row["active"], secrets)


async def tried(
    db: Database, delivery_id: UUID, status: int | None, error: str | None, took_ms: int
) -> None:
    """Writes an attempt to the log."""
    await db.execute(_TRIED, delivery_id, status, error, took_ms)


async def end(
    connection: Connection, delivery_id: UUID, state: DeliveryState, reason: str | None = None
) -> Any:
    """Delivered or failed for good; the row's identity, or None when it is gone."""
    return await connection.fetchrow(_END, delivery_id, state, reason)


async def page(
    db: Database,
    webhook_id: UUID,
    state: DeliveryState | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Line]:
    """The newest first."""
    rows = await db.fetch(_PAGE, webhook_id, state, *(after or (None, None)), limit)
    return [_line(row) for row in rows]


async def lock(connection: Connection, webhook_id: UUID, delivery_id: UUID) -> Line | None:
    """One line, locked; None when that webhook has no such delivery."""
    row = await connection.fetchrow(_LOCK, delivery_id, webhook_id)
    return _line(row) if row else None


async def again(connection: Connection, line: Line) -> Line:
    """A failed one begins anew, with all its attempts."""
    row = await connection.fetchrow(_AGAIN, line.id)
    await send_soon(connection, [(line.webhook_id, line.id)])
    return _line(row)


async def forget_older(db: Database, days: int, most: int) -> int:
    """Deletes finished deliveries older than that, and their dead jobs; how many."""
    return await db.changed(
        """
        with old as (
            delete from deliveries where id in (
                select id from deliveries
                where state <> 'pending'
                  and created_at < statement_timestamp() - make_interval(days => $1)
                order by created_at limit $2
            ) returning id
        ), jobs_gone as (
            delete from jobs using old where kind = $3 and given_up and ref = old.id::text
        )
        select 1 from old
        """,
        days,
        most,
        SEND,
    )


def _line(row: Any) -> Line:
    return Line(**{each.name: row[each.name] for each in fields(Line)})
