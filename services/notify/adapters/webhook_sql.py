"""Webhooks in SQL: where they go, what they want, their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from runtime.db import Connection, Database
from services.notify.domain.webhooks import Filter

# Shared locks: a webhook cannot be deleted under the deliveries that this batch gives it.
_FILTERS = """
select id, event_types, communities, categories from webhooks where active
order by id for key share
"""
_COUNT = "select count(*) from webhooks"
_ADD = """
insert into webhooks (id, url, description, event_types, communities, categories, active, secret,
    created_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning *
"""
_ALL = "select * from webhooks order by created_at, id"
_ONE = "select * from webhooks where id = $1"
_REPLACE = """
update webhooks set url = $2, description = $3, event_types = $4, communities = $5,
    categories = $6, active = $7, updated_at = clock_timestamp()
where id = $1 returning *
"""
_ROTATE = """
update webhooks set previous_secret = secret, secret = $2, updated_at = clock_timestamp(),
    previous_until = clock_timestamp() + make_interval(hours => $3)
where id = $1 returning *
"""
_DELETE = "delete from webhooks where id = $1 returning true"


@dataclass(frozen=True)
class Wanted:
    """What an operator says about a webhook."""

    url: str
    description: str
    event_types: Sequence[str]
    communities: Sequence[str]
    categories: Sequence[str]
    active: bool


@dataclass(frozen=True)
class Webhook:
    """A webhook without its secrets; `previous_until`: how long the secret before also signs."""

    id: UUID
    url: str
    description: str
    event_types: list[str]
    communities: list[str]
    categories: list[str]
    active: bool
    created_at: datetime
    updated_at: datetime
    previous_until: datetime | None


async def filters(connection: Connection) -> list[Filter]:
    """The filters of all active webhooks."""
    return [
        Filter(
            webhook_id=row["id"],
            event_types=tuple(row["event_types"]),
            communities=tuple(row["communities"]),
            categories=tuple(row["categories"]),
        )
        for row in await connection.fetch(_FILTERS)
    ]


async def count(connection: Connection) -> int:
    """How many there are; the table is locked against another one that is being added."""
    await connection.execute("select pg_advisory_xact_lock(hashtext('webhooks'), 4)")
    found: int = await connection.fetchval(_COUNT)
    return found


async def add(
    connection: Connection, webhook_id: UUID, wanted: Wanted, secret: str, by: str
) -> Webhook:
    """A new one."""
    row = await connection.fetchrow(_ADD, webhook_id, *_values(wanted), secret, by)
    return _webhook(row)


async def all_of_them(db: Database) -> list[Webhook]:
    """The oldest first."""
    return [_webhook(row) for row in await db.fetch(_ALL)]


async def one(db: Database | Connection, webhook_id: UUID) -> Webhook | None:
    """By id."""
    row: Any = await db.fetchrow(_ONE, webhook_id)
    return _webhook(row) if row else None


async def replace(connection: Connection, webhook_id: UUID, wanted: Wanted) -> Webhook | None:
    """Everything but its secrets."""
    row = await connection.fetchrow(_REPLACE, webhook_id, *_values(wanted))
    return _webhook(row) if row else None


async def rotate(
    connection: Connection, webhook_id: UUID, secret: str, overlap_h: int
) -> Webhook | None:
    """A new secret; the one before signs beside it for that many hours."""
    row = await connection.fetchrow(_ROTATE, webhook_id, secret, overlap_h)
    return _webhook(row) if row else None


async def delete(connection: Connection, webhook_id: UUID) -> bool:
    """With its deliveries; whether it was there. Its jobs find nothing and end."""
    return bool(await connection.fetchval(_DELETE, webhook_id))


def _webhook(row: Any) -> Webhook:
    return Webhook(**{each.name: row[each.name] for each in fields(Webhook)})


def _values(wanted: Wanted) -> tuple[object, ...]:
    return (
        wanted.url,
        wanted.description,
        list(wanted.event_types),
        list(wanted.communities),
        list(wanted.categories),
        wanted.active,
    )
