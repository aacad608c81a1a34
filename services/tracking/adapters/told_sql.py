"""Points and notices in SQL: what a report's timeline shows beside its case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.credits import CreditFact
from contracts.facts import Event
from contracts.notices import NoticeFact
from runtime.db import Connection, Database

_SAVE_POINTS = """
insert into points (event_id, reporter_id, subject_id, type, at, reason, points)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[],
                     $6::text[], $7::int[])
on conflict do nothing
"""
_SAVE_NOTICES = """
insert into notices (event_id, recipient_id, about, type, at, channel, event, reason)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[],
                     $6::text[], $7::text[], $8::text[])
on conflict do nothing
"""
POINTS_SQL = """
select at, type, reason, points from points
where reporter_id = $1 and subject_id = any ($2::text[]) order by at, event_id limit $3
"""
NOTICES_SQL = """
select at, type, channel, event, reason from notices
where recipient_id = $1 and about = any ($2::text[]) order by at, event_id limit $3
"""


@dataclass(frozen=True)
class PointsLine:
    """Points were credited, held, released or reversed."""

    at: datetime
    type: str
    reason: str
    points: int


@dataclass(frozen=True)
class NoticeLine:
    """The reporter was told of `event` by `channel`, or could not be."""

    at: datetime
    type: str
    channel: str
    event: str
    reason: str | None


async def save_points(connection: Connection, points: Sequence[tuple[Event, CreditFact]]) -> None:
    """Adds what is new."""
    rows = [
        (
            e.event_id,
            fact.reporter_id,
            fact.subject_id,
            e.type,
            e.occurred_at,
            fact.reason,
            fact.points,
        )
        for e, fact in sorted(points, key=lambda each: each[0].event_id)
    ]
    if rows:
        await connection.execute(_SAVE_POINTS, *(list(c) for c in zip(*rows, strict=True)))


async def save_notices(connection: Connection, notices: Sequence[tuple[Event, NoticeFact]]) -> None:
    """Adds what is new."""
    rows = [
        (
            e.event_id,
            fact.recipient_id,
            fact.about,
            e.type,
            e.occurred_at,
            fact.channel,
            fact.event,
            getattr(fact, "reason", None),
        )
        for e, fact in sorted(notices, key=lambda each: each[0].event_id)
    ]
    if rows:
        await connection.execute(_SAVE_NOTICES, *(list(c) for c in zip(*rows, strict=True)))


async def points(
    db: Database, reporter_id: str, subjects: Sequence[str], most: int
) -> list[PointsLine]:
    """A reporter's points for these reports and cases, oldest first."""
    rows = await db.fetch(POINTS_SQL, reporter_id, list(subjects), most)
    return [PointsLine(**row) for row in rows]


async def notices(
    db: Database, reporter_id: str, subjects: Sequence[str], most: int
) -> list[NoticeLine]:
    """What a reporter was told about these reports and cases, oldest first."""
    rows = await db.fetch(NOTICES_SQL, reporter_id, list(subjects), most)
    return [NoticeLine(**row) for row in rows]
