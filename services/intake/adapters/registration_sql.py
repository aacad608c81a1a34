"""Registrations in SQL; every event about a reporter is numbered under the reporter's row lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from runtime.db import Connection, Database
from services.intake.domain.registration import Registration, RegistrationState

_COLUMNS = "id, code, reporter_id, community, state, registered_at, decided_at, reason"
_LOCK = "select observer_seq from reporters where id = $1 for update"
_NEXT = "update reporters set observer_seq = observer_seq + 1 where id = $1 returning observer_seq"
_ACTIVE = f"""
select {_COLUMNS} from registrations
where reporter_id = $1 and state in ('pending', 'confirmed')
"""  # noqa: S608 - constant
_LATEST = f"""
select {_COLUMNS} from registrations where reporter_id = $1
order by registered_at desc, id desc limit 1
"""  # noqa: S608 - constant
_ONE = f"select {_COLUMNS} from registrations where id = $1"  # noqa: S608 - constant
_PAGE = f"""
select {_COLUMNS} from registrations where community = $1 and state = $2
  and ($3::timestamptz is null or (registered_at, id) > ($3, $4))
order by registered_at, id limit $5
"""  # noqa: S608 - constant
_ADD = f"""
insert into registrations ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (code) do nothing returning true
"""  # noqa: S608 - constant
_DECIDE = "update registrations set state = $2, decided_at = $3, reason = $4 where id = $1"


@dataclass(frozen=True)
class Position:
    """Where a page ended."""

    registered_at: datetime
    id: UUID


async def lock_reporter(connection: Connection, reporter_id: str) -> bool:
    """Holds the reporter's row; False when there is none."""
    return await connection.fetchrow(_LOCK, reporter_id) is not None


async def next_seq(connection: Connection, reporter_id: str) -> int:
    """The number of the next event on `observers` about this reporter, from 1, without gaps."""
    seq: int = await connection.fetchval(_NEXT, reporter_id)
    return seq


async def active(connection: Connection, reporter_id: str) -> Registration | None:
    """The one that is pending or confirmed."""
    return _found(await connection.fetchrow(_ACTIVE, reporter_id))


async def latest(db: Database | Connection, reporter_id: str) -> Registration | None:
    """The one that was made last, whatever became of it."""
    return _found(await db.fetchrow(_LATEST, reporter_id))


async def one(db: Database | Connection, registration_id: UUID) -> Registration | None:
    """By id."""
    return _found(await db.fetchrow(_ONE, registration_id))


async def page(
    db: Database, place: str, state: RegistrationState, after: Position | None, limit: int
) -> list[Registration]:
    """Those of a community or street, oldest first."""
    behind = (after.registered_at, after.id) if after else (None, None)
    return [_of(row) for row in await db.fetch(_PAGE, place, state, *behind, limit)]


async def add(connection: Connection, new: Registration) -> bool:
    """False when the code is taken: draw another."""
    row = (
        UUID(new.id),
        new.code,
        new.reporter_id,
        new.community,
        new.state,
        new.registered_at,
        new.decided_at,
        new.reason,
    )
    return bool(await connection.fetchval(_ADD, *row))


async def decide(connection: Connection, after: Registration) -> None:
    """Keeps the decision."""
    await connection.execute(_DECIDE, UUID(after.id), after.state, after.decided_at, after.reason)


def _found(row: Mapping[str, Any] | None) -> Registration | None:
    return _of(row) if row else None


def _of(row: Mapping[str, Any]) -> Registration:
    return Registration(**{**row, "id": str(row["id"])})
