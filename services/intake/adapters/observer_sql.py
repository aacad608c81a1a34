"""Reporters as operators see them, in SQL; decided under the reporter's row lock."""

from __future__ import annotations

from typing import Any

from runtime.db import Connection, Database
from services.intake.domain.observer import Observer

_ONE = """
select id, suspended_at, standing_reason, standing_since, created_at from reporters where id = $1
"""
_DECIDE = """
update reporters set suspended_at = case when $2 then $4::timestamptz end,
                     standing_reason = $3, standing_since = $4
where id = $1
"""
_SUSPENDED = "select exists (select from reporters where id = $1 and suspended_at is not null)"


async def one(db: Database | Connection, reporter_id: str) -> Observer | None:
    """By id."""
    row = await db.fetchrow(_ONE, reporter_id)
    return _of(row) if row else None


async def locked(connection: Connection, reporter_id: str) -> Observer | None:
    """The same, held until the transaction ends."""
    row = await connection.fetchrow(_ONE + "for update", reporter_id)
    return _of(row) if row else None


async def decide(connection: Connection, after: Observer) -> None:
    """Keeps what the operator decided."""
    suspended = after.state == "suspended"
    await connection.execute(_DECIDE, after.id, suspended, after.reason, after.since)


async def is_suspended(db: Database, reporter_id: str) -> bool:
    """Whether they may not report; staff and strangers are not suspended."""
    return bool(await db.fetchval(_SUSPENDED, reporter_id))


def _of(row: Any) -> Observer:
    return Observer(
        id=row["id"],
        state="suspended" if row["suspended_at"] else "active",
        reason=row["standing_reason"],
        since=row["standing_since"],
        created_at=row["created_at"],
    )
