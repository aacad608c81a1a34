"""What people look at: a balance, its lines, what is held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from runtime.db import Connection, Database
from services.rewards.adapters.book_sql import claim_of
from services.rewards.domain.account import Claim, HeldFor

_STANDING = """
select balance, pending, strikes, coalesce(month.due, 0) as month_due, month.cap
from accounts left join months month
    on month.reporter_id = accounts.reporter_id and month.month = $2
where accounts.reporter_id = $1
"""
_ENTRIES = """
select id, subject_id, reason, round, step, points, pending, due, month, at, balance, report_id
from ledger where reporter_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3
"""
_CLAIM_COLUMNS = """
subject_id, claims.reporter_id, reason, round, points, state, held_for, month, earned_at,
report_id
"""
_HELD = f"""
select {_CLAIM_COLUMNS}, accounts.strikes from claims
join accounts on accounts.reporter_id = claims.reporter_id
where state = 'held' and held_for = $1
  and ($2::timestamptz is null or (earned_at, id) > ($2, $3))
order by earned_at, id limit $4
"""  # noqa: S608 - constant
_CLAIM = f"select {_CLAIM_COLUMNS} from claims where id = $1"  # noqa: S608 - constant


@dataclass(frozen=True)
class Held:
    """A held claim and the strikes of its reporter."""

    claim: Claim
    strikes: int


async def standing(db: Database, reporter_id: str, month: str) -> Any:
    """Row of balance, pending, strikes, month_due and cap, or None for who never earned."""
    return await db.fetchrow(_STANDING, reporter_id, month)


async def entries(db: Database, reporter_id: str, before: int | None, limit: int) -> list[Any]:
    """The reporter's lines, newest first."""
    return await db.fetch(_ENTRIES, reporter_id, before, limit)


async def held(
    db: Database, held_for: HeldFor, after: tuple[datetime, UUID] | None, limit: int
) -> list[Held]:
    """Oldest first."""
    at, claim_id = after or (None, None)
    rows = await db.fetch(_HELD, held_for, at, claim_id, limit)
    return [Held(claim_of(row), row["strikes"]) for row in rows]


async def claim(connection: Connection, claim_id: UUID) -> Claim | None:
    """As it is now; certain only while its reporter's account is locked."""
    row = await connection.fetchrow(_CLAIM, claim_id)
    return claim_of(row) if row else None
