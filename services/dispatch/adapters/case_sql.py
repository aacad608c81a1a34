"""Cases in SQL: locked, loaded and saved in sets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from contracts.cases import Case, CaseFact
from contracts.city import City
from runtime import together
from runtime.db import Connection
from runtime.together import Statement
from services.dispatch.domain.batch import KnownReport, Membership
from services.dispatch.domain.milestones import next_at
from services.dispatch.domain.states import OPEN

ADVISORY_SQL = """
select coalesce(max(at), clock_timestamp()) from (
    select pg_advisory_xact_lock(key), clock_timestamp() as at from (
        select distinct hashtextextended(name, 0) as key from unnest($1::text[]) as name order by 1
    ) as sorted
) as locked
"""
LOCK_SQL = """
select body::text as body from cases where id = any ($1::uuid[]) order by id for update
"""
REPORTS_SQL = """
select report_id, case_id, media from case_reports where report_id = any ($1::uuid[])
"""
_SAVE = """
insert into cases (id, code, state, is_open, revision, seq, round, community, department,
    category, family, cell, lat, lon, rank, queue_by, opened_at, active_at, updated_at,
    accept_by, make_safe_by, resolve_by, verify_due_at, report_count, body, due_at, provisional)
select id, code, state, is_open, revision, seq, round, community, department,
    category, family, cell, lat, lon, rank, queue_by, opened_at, active_at, updated_at,
    accept_by, make_safe_by, resolve_by, verify_due_at, report_count, body::jsonb, due_at,
    provisional
from unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[], $5::int[], $6::int[], $7::int[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::float8[], $14::float8[],
    $15::smallint[], $16::timestamptz[], $17::timestamptz[], $18::timestamptz[],
    $19::timestamptz[], $20::timestamptz[], $21::timestamptz[], $22::timestamptz[],
    $23::timestamptz[], $24::int[], $25::text[], $26::timestamptz[], $27::boolean[])
    as row (id, code, state, is_open, revision, seq, round, community, department,
    category, family, cell, lat, lon, rank, queue_by, opened_at, active_at, updated_at,
    accept_by, make_safe_by, resolve_by, verify_due_at, report_count, body, due_at, provisional)
on conflict (id) do update set
    state = excluded.state, is_open = excluded.is_open, revision = excluded.revision,
    seq = excluded.seq, round = excluded.round, community = excluded.community,
    department = excluded.department, category = excluded.category, family = excluded.family,
    cell = excluded.cell, lat = excluded.lat, lon = excluded.lon, rank = excluded.rank,
    queue_by = excluded.queue_by, active_at = excluded.active_at,
    updated_at = excluded.updated_at, accept_by = excluded.accept_by,
    make_safe_by = excluded.make_safe_by, resolve_by = excluded.resolve_by,
    verify_due_at = excluded.verify_due_at, report_count = excluded.report_count,
    body = excluded.body, due_at = excluded.due_at, provisional = excluded.provisional
"""
_SAVE_REPORTS = """
insert into case_reports (report_id, case_id, reporter_id, joined_at, media)
select report_id, case_id, reporter_id, joined_at, string_to_array(media, ' ')
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])
    as row (report_id, case_id, reporter_id, joined_at, media)
on conflict (report_id) do update set media = excluded.media
"""
MOVE_SQL = """
update case_reports set case_id = $2 where report_id = any ($1::uuid[])
"""
CHECKED_SQL = """
select exists (
    select from case_events where case_id = $1 and by_id = $2 and type = 'CaseChecked' and seq > (
        select coalesce(max(seq), 0) from case_events
        where case_id = $1 and type = 'CaseResolved'))
"""
_SAVE_EVENTS = """
insert into case_events (case_id, seq, type, at, by_role, by_id, state, reason, note)
select * from unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::text[],
                     $6::text[], $7::text[], $8::text[], $9::text[])
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Case).decode


async def advisory(connection: Connection, names: Collection[str]) -> datetime:
    """Transaction locks in the order of their keys, before any row is locked.

    The database's clock when it has the last of them.
    """
    now: datetime = await connection.fetchval(ADVISORY_SQL, sorted(names))
    return now


async def lock(connection: Connection, ids: Iterable[str]) -> dict[str, Case]:
    """The cases by id, locked in the order of their ids."""
    wanted = sorted(UUID(each) for each in set(ids))
    if not wanted:
        return {}
    cases = [_decode(row["body"]) for row in await connection.fetch(LOCK_SQL, wanted)]
    return {case.id: case for case in cases}


async def known_reports(connection: Connection, ids: Collection[str]) -> dict[str, KnownReport]:
    """The reports among these that belong to a case already."""
    rows = await connection.fetch(REPORTS_SQL, [UUID(each) for each in sorted(ids)])
    return {
        str(row["report_id"]): KnownReport(str(row["case_id"]), tuple(row["media"])) for row in rows
    }


async def save(
    connection: Connection,
    cases: Sequence[Case],
    city: City,
    facts: Sequence[CaseFact],
    members: Sequence[Membership] = (),
) -> None:
    """Inserts or replaces cases, with a line of the timeline for each fact, in one round trip.

    The city says when each case is due for a timer; `members` say for good which case a report
    belongs to.
    """
    statements: list[Statement] = []
    if cases:
        rows = [_row(case, city) for case in sorted(cases, key=lambda case: case.id)]
        statements.append((_SAVE, [list(column) for column in zip(*rows, strict=True)]))
    if members:
        statements.append((_SAVE_REPORTS, _columns_of_members(members)))
    if facts:
        statements.append((_SAVE_EVENTS, _columns_of_facts(facts)))
    await together.execute(connection, statements)


def _columns_of_members(members: Sequence[Membership]) -> list[object]:
    return [
        [UUID(each.report_id) for each in members],
        [UUID(each.case_id) for each in members],
        [each.reporter_id for each in members],
        [each.joined_at for each in members],
        [" ".join(each.media) for each in members],
    ]


def _columns_of_facts(facts: Sequence[CaseFact]) -> list[object]:
    return [
        [UUID(fact.case.id) for fact in facts],
        [fact.case.seq for fact in facts],
        [type(fact).__name__ for fact in facts],
        [fact.case.updated_at for fact in facts],
        [fact.by.role for fact in facts],
        [fact.by.id for fact in facts],
        [fact.case.state for fact in facts],
        [fact.reason for fact in facts],
        [fact.note for fact in facts],
    ]


async def move_reports(connection: Connection, ids: Collection[str], case_id: str) -> None:
    """These reports belong to that case from now on."""
    await connection.execute(MOVE_SQL, [UUID(each) for each in sorted(ids)], UUID(case_id))


async def has_checked(connection: Connection, case_id: str, reporter_id: str) -> bool:
    """Whether the person checked the case since it was last resolved."""
    return bool(await connection.fetchval(CHECKED_SQL, UUID(case_id), reporter_id))


def case_of(row: Mapping[str, Any]) -> Case:
    """The case in a row's `body` (selected as text)."""
    return _decode(row["body"])


def _row(case: Case, city: City) -> tuple[object, ...]:
    clocks = case.clocks
    waits = case.state in ("opened", "assigned")
    verify_due_at = None
    if case.state == "resolved" and case.resolved_at is not None and not case.proof_flags:
        verify_due_at = case.resolved_at + timedelta(hours=city.verify_after_h)
    return (
        UUID(case.id),
        case.code,
        case.state,
        case.state in OPEN,
        case.revision,
        case.seq,
        case.round,
        case.community,
        case.department,
        case.category,
        case.family,
        case.cell,
        case.place.lat,
        case.place.lon,
        0 if case.dangerous else 1,
        clocks.accept_by if waits else clocks.resolve_by,
        case.opened_at,
        max(each.joined_at for each in case.reports),
        case.updated_at,
        clocks.accept_by,
        clocks.make_safe_by,
        clocks.resolve_by,
        verify_due_at,
        len(case.reports),
        _encode(case).decode(),
        next_at(case, city),
        clocks.provisional,
    )
