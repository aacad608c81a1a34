"""Cases in SQL: the newest of each, the reports in them, their timelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from contracts.cases import Case
from runtime.db import Connection, Database
from services.tracking.domain.batch import ERASED, Line
from services.tracking.domain.bigrams import bigrams

# Bigrams come as JSON: SQL knows no array of arrays of unlike lengths.
_SAVE = """
insert into cases (id, seq, code, state, community, department, category, lat, lon, opened_at,
    accepted_at, resolved_at, closed_at, resolve_by, bigrams, body)
select id, seq, code, state, community, department, category, lat, lon, opened_at,
    accepted_at, resolved_at, closed_at, resolve_by,
    array(select jsonb_array_elements_text(bigrams::jsonb)), body::jsonb
from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::float8[], $9::float8[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[],
    $13::timestamptz[], $14::timestamptz[], $15::text[], $16::text[])
    as row (id, seq, code, state, community, department, category, lat, lon, opened_at,
    accepted_at, resolved_at, closed_at, resolve_by, bigrams, body)
on conflict (id) do update set
    seq = excluded.seq, code = excluded.code, state = excluded.state,
    community = excluded.community, department = excluded.department,
    category = excluded.category, lat = excluded.lat, lon = excluded.lon,
    opened_at = excluded.opened_at, accepted_at = excluded.accepted_at,
    resolved_at = excluded.resolved_at, closed_at = excluded.closed_at,
    resolve_by = excluded.resolve_by, bigrams = excluded.bigrams, body = excluded.body
where cases.seq < excluded.seq
returning id
"""
_LEAVE = """
delete from case_reports where case_id = any ($1::uuid[])
  and (report_id, case_id) not in (select * from unnest($2::uuid[], $3::uuid[]))
"""
_BELONG = """
insert into case_reports (report_id, case_id, reporter_id, joined_at)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])
on conflict (report_id, case_id) do update
set reporter_id = excluded.reporter_id, joined_at = excluded.joined_at
"""
_SAVE_LINES = """
insert into case_events (case_id, seq, type, at, by_role, by_id, state, reason, note)
select * from unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::text[],
                     $6::text[], $7::text[], $8::text[], $9::text[])
on conflict do nothing
"""
# A merged case keeps its reports: the one that it was joined to answers for them.
OF_REPORTS_SQL = """
select distinct on (r.report_id) r.report_id, c.body::text as body
from case_reports r join cases c on c.id = r.case_id
where r.report_id = any ($1::uuid[])
order by r.report_id, c.state = 'merged', r.joined_at desc, c.id
"""
LINES_SQL = """
select case_id::text as case_id, seq, type, at, by_role, by_id, state, reason, note
from case_events where case_id = $1 order by seq desc limit $2
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Case).decode


async def save(connection: Connection, cases: Mapping[str, Case]) -> None:
    """Replaces what is older, in the order of ids; then says which reports belong to it."""
    if not cases:
        return
    rows = [case_row(cases[each]) for each in sorted(cases)]
    saved = await connection.fetch(_SAVE, *(list(column) for column in zip(*rows, strict=True)))
    await _save_members(connection, [cases[str(row["id"])] for row in saved])


async def _save_members(connection: Connection, cases: Sequence[Case]) -> None:
    members = {
        (each.report_id, case.id): (each.reporter_id, each.joined_at)
        for case in cases
        for each in case.reports
        if each.reporter_id != ERASED
    }
    keys = sorted(members)
    reports, owners = [UUID(report) for report, _ in keys], [UUID(case) for _, case in keys]
    await connection.execute(_LEAVE, sorted({UUID(case.id) for case in cases}), reports, owners)
    if keys:
        reporters = [members[key][0] for key in keys]
        joined = [members[key][1] for key in keys]
        await connection.execute(_BELONG, reports, owners, reporters, joined)


async def save_lines(connection: Connection, lines: Mapping[tuple[str, int], Line]) -> None:
    """Adds what is new, in the order of the keys."""
    if not lines:
        return
    rows = [
        (
            UUID(line.case_id),
            line.seq,
            line.type,
            line.at,
            line.by_role,
            line.by_id,
            line.state,
            line.reason,
            line.note,
        )
        for _, line in sorted(lines.items())
    ]
    await connection.execute(_SAVE_LINES, *(list(column) for column in zip(*rows, strict=True)))


async def of_reports(db: Database, ids: Sequence[str]) -> dict[str, Case]:
    """The case that answers for each report, by the report's id."""
    rows = await db.fetch(OF_REPORTS_SQL, [UUID(each) for each in ids])
    return {str(row["report_id"]): _decode(row["body"]) for row in rows}


async def lines(db: Database, case_id: str, most: int) -> list[Line]:
    """The newest lines of a case's timeline, in order."""
    rows = await db.fetch(LINES_SQL, UUID(case_id), most)
    return [Line(**row) for row in reversed(rows)]


def case_row(case: Case) -> tuple[Any, ...]:
    """The columns of a case, in the order of _SAVE; bigrams and body last, as JSON."""
    return (
        UUID(case.id),
        case.seq,
        case.code,
        case.state,
        case.community,
        case.department,
        case.category,
        case.place.lat,
        case.place.lon,
        case.opened_at,
        case.accepted_at,
        case.resolved_at,
        case.closed_at,
        case.clocks.resolve_by,
        _encode(bigrams(case.text, case.code)).decode(),
        _encode(case).decode(),
    )
