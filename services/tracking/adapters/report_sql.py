"""Reports in SQL: whose each is, and its facts by their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from contracts.facts import Event, Fact
from contracts.topics import FACT
from runtime.db import Connection, Database
from services.tracking.domain.story import Story, story_of

_SAVE_OWNERS = """
insert into reports (id, reporter_id)
select * from unnest($1::uuid[], $2::text[]) on conflict do nothing
"""
_SAVE_FACTS = """
insert into report_facts (report_id, seq, type, at, body)
select report_id, seq, type, at, body::jsonb
from unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::text[])
    as row (report_id, seq, type, at, body)
on conflict do nothing
"""
_OWN = "select id from reports where id = $1 and reporter_id = $2"
PAGE_SQL = """
select id from reports
where reporter_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""
FACTS_SQL = """
select report_id, seq, type, body::text as body from report_facts
where report_id = any ($1::uuid[]) order by report_id, seq
"""

LINES_SQL = "select type, at from report_facts where report_id = $1 order by seq"

_encode = msgspec.json.Encoder().encode
_DECODERS = {name: msgspec.json.Decoder(fact) for name, fact in FACT.items()}


@dataclass(frozen=True)
class FactLine:
    """Something was said of a report."""

    type: str
    at: datetime


async def save(
    connection: Connection,
    owners: Mapping[str, str],
    facts: Mapping[tuple[str, int], Event],
) -> None:
    """Adds what is new, in the order of the keys."""
    if not facts:
        return
    ids = sorted(owners)
    await connection.execute(_SAVE_OWNERS, [UUID(each) for each in ids], [owners[e] for e in ids])
    keys = sorted(facts)
    events = [facts[key] for key in keys]
    await connection.execute(
        _SAVE_FACTS,
        [UUID(report_id) for report_id, _ in keys],
        [seq for _, seq in keys],
        [event.type for event in events],
        [event.occurred_at for event in events],
        [_encode(event.body).decode() for event in events],
    )


async def own(db: Database, report_id: UUID, reporter_id: str) -> Story | None:
    """What is known of the report when it is this reporter's."""
    if await db.fetchval(_OWN, report_id, reporter_id) is None:
        return None
    return (await stories(db, [str(report_id)]))[0]


async def page(db: Database, reporter_id: str, before: UUID | None, limit: int) -> list[str]:
    """Ids of a reporter's reports before that one, newest first (ids grow with time)."""
    rows = await db.fetch(PAGE_SQL, reporter_id, before, limit)
    return [str(row["id"]) for row in rows]


async def stories(db: Database, ids: Sequence[str]) -> list[Story]:
    """The reports by id, in the order asked for."""
    facts: dict[str, list[Fact]] = {each: [] for each in ids}
    for row in await db.fetch(FACTS_SQL, [UUID(each) for each in ids]):
        facts[str(row["report_id"])].append(_DECODERS[row["type"]].decode(row["body"]))
    return [story_of(each, found) for each, found in facts.items()]


async def fact_lines(db: Database, report_id: str) -> list[FactLine]:
    """What was said of the report, in the order of its facts."""
    return [FactLine(**row) for row in await db.fetch(LINES_SQL, UUID(report_id))]
