"""What people look at: queues, one case, its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.cases import Case
from runtime.db import Connection, Database
from services.dispatch.adapters.case_sql import case_of

Sort = Literal["urgency", "age"]
Owner = Literal["community", "department"]

_QUEUE = """
select body::text as body, rank, queue_by, opened_at, id from cases
where {owner} = $1 and is_open and state = any ($2::text[])
  and ($3::text is null or coalesce(body->>'member', '') = $3)
  and ($4::smallint is null or (rank, queue_by, opened_at, id) > ($4, $5, $6, $7))
order by rank, queue_by, opened_at, id limit $8
"""
_QUEUE_BY_AGE = """
select body::text as body, rank, queue_by, opened_at, id from cases
where {owner} = $1 and is_open and state = any ($2::text[])
  and ($3::text is null or coalesce(body->>'member', '') = $3)
  and ($4::timestamptz is null or (opened_at, id) > ($4, $5))
order by opened_at, id limit $6
"""
_CASE = "select body::text as body from cases where id = $1"
_EVENTS = """
select seq, type, at, by_role, state, reason, note from case_events
where case_id = $1 and seq > $2 order by seq limit $3
"""
CLAIM_CLOCKS_SQL = """
select body::text as body from cases where due_at <= statement_timestamp()
order by due_at, id limit $1 for update skip locked
"""
CLAIM_PROVISIONAL_SQL = """
select body::text as body from cases where provisional and is_open and id > $1
order by id limit $2 for update
"""
DUE_SQL = """
select id, family, cell from cases
where verify_due_at <= statement_timestamp() order by verify_due_at limit $1
"""
CLAIM_DUE_SQL = """
select body::text as body from cases
where id = any ($1::uuid[]) and verify_due_at <= statement_timestamp()
order by id for update skip locked
"""


@dataclass(frozen=True)
class Position:
    """Where a page of a queue ended."""

    rank: int
    queue_by: datetime
    opened_at: datetime
    id: UUID


@dataclass(frozen=True)
class Line:
    """One line of a case's timeline."""

    seq: int
    type: str
    at: datetime
    by_role: str
    state: str
    reason: str | None
    note: str | None


async def queue(
    db: Database,
    owner: Owner,
    code: str,
    states: Sequence[str],
    sort: Sort,
    member: str | None,
    after: Position | None,
    limit: int,
) -> list[tuple[Case, Position]]:
    """Open cases of an owner: danger, then clock, then age; or the oldest first.

    `member`: only of one of its people; an empty text: of nobody's.
    """
    if sort == "age":
        sql = _QUEUE_BY_AGE
        place: tuple[Any, ...] = (after.opened_at, after.id) if after else (None, None)
    else:
        sql = _QUEUE
        place = (
            (after.rank, after.queue_by, after.opened_at, after.id)
            if after
            else (None, None, None, None)
        )
    rows = await db.fetch(sql.format(owner=owner), code, list(states), member, *place, limit)
    return [
        (case_of(row), Position(row["rank"], row["queue_by"], row["opened_at"], row["id"]))
        for row in rows
    ]


async def case(db: Database | Connection, case_id: UUID) -> Case | None:
    """The case as it is, not locked."""
    row = await db.fetchrow(_CASE, case_id)
    return case_of(row) if row else None


async def timeline(db: Database, case_id: UUID, after_seq: int, limit: int) -> list[Line]:
    """The lines behind that number, in order."""
    return [Line(**row) for row in await db.fetch(_EVENTS, case_id, after_seq, limit)]
