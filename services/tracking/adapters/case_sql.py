"""Cases in SQL: the newest of each, the reports in them, their timelines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from contracts.cases import Case
from contracts.erasing import ERASED
from runtime.db import Connection, Database
from services.tracking.domain.batch import Line
from services.tracking.domain.bigrams import bigrams

# Bigrams come as JSON: SQL knows no array of arrays of unlike lengths. The counts get, in the same
# statement, what the case is now minus what it was: a replay saves nothing and counts nothing. Both
# sides of it are kept for a while for figures that somebody reads (stats_sql.py).
# Besides the ids of what was saved it gives the keys of counts that became nothing.
_SAVE = """
with saved as (
    insert into cases (id, seq, code, state, community, department, category, lat, lon, day,
        opened_at, accepted_at, resolved_at, closed_at, resolve_by, bigrams, body)
    select id, seq, code, state, community, department, category, lat, lon, day,
        opened_at, accepted_at, resolved_at, closed_at, resolve_by,
        array(select jsonb_array_elements_text(bigrams::jsonb)), body::jsonb
    from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::float8[], $9::float8[], $10::date[], $11::timestamptz[], $12::timestamptz[],
        $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::text[], $17::text[])
        as row (id, seq, code, state, community, department, category, lat, lon, day,
        opened_at, accepted_at, resolved_at, closed_at, resolve_by, bigrams, body)
    on conflict (id) do update set
        seq = excluded.seq, code = excluded.code, state = excluded.state,
        community = excluded.community, department = excluded.department,
        category = excluded.category, lat = excluded.lat, lon = excluded.lon,
        day = excluded.day, opened_at = excluded.opened_at, accepted_at = excluded.accepted_at,
        resolved_at = excluded.resolved_at, closed_at = excluded.closed_at,
        resolve_by = excluded.resolve_by, bigrams = excluded.bigrams, body = excluded.body
    where cases.seq < excluded.seq
    returning new.id, new.day, new.community, new.category, new.state, new.opened_at,
        new.accepted_at, new.resolved_at, new.resolve_by, old.id as was,
        old.day as was_day, old.community as was_community, old.category as was_category,
        old.state as was_state, old.opened_at as was_opened_at,
        old.accepted_at as was_accepted_at, old.resolved_at as was_resolved_at,
        old.resolve_by as was_resolve_by
), change as (
    insert into case_changes (sign, day, community, category, state, resolve_by, accept_us,
        resolve_us, late)
    select 1, day, coalesce(community, ''), coalesce(category, ''), state, resolve_by,
        (extract(epoch from accepted_at - opened_at) * 1000000)::bigint,
        (extract(epoch from resolved_at - opened_at) * 1000000)::bigint,
        coalesce(resolved_at > resolve_by, false)
    from saved
    union all
    select -1, was_day, coalesce(was_community, ''), coalesce(was_category, ''), was_state,
        was_resolve_by, (extract(epoch from was_accepted_at - was_opened_at) * 1000000)::bigint,
        (extract(epoch from was_resolved_at - was_opened_at) * 1000000)::bigint,
        coalesce(was_resolved_at > was_resolve_by, false)
    from saved where was is not null
    returning *
), counted as (
    insert into case_counts as c
    select day, community, category, state, sum(sign),
        coalesce(sum(sign) filter (where accept_us is not null), 0),
        coalesce(sum(sign * accept_us), 0),
        coalesce(sum(sign) filter (where resolve_us is not null), 0),
        coalesce(sum(sign * resolve_us), 0),
        coalesce(sum(sign) filter (where late), 0)
    from change
    group by 1, 2, 3, 4 order by 1, 2, 3, 4
    on conflict (day, community, category, state) do update set
        cases = c.cases + excluded.cases, accepted = c.accepted + excluded.accepted,
        accept_us = c.accept_us + excluded.accept_us,
        resolved = c.resolved + excluded.resolved,
        resolve_us = c.resolve_us + excluded.resolve_us, late = c.late + excluded.late
    returning day, community, category, state, cases
)
select id, null::date as day, null::text as community, null::text as category, null::text as state
from saved
union all
select null, day, community, category, state from counted where cases = 0
"""
_DROP_EMPTY = """
delete from case_counts where cases = 0 and (day, community, category, state) in (
    select * from unnest($1::date[], $2::text[], $3::text[], $4::text[]))
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
LINES_OF_SQL = """
select case_id::text as case_id, seq, type, at, by_role, by_id, state, reason, note
from case_events where case_id = any ($1::uuid[]) order by case_id, seq
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Case).decode


async def save(connection: Connection, cases: Mapping[str, Case], zone: ZoneInfo) -> None:
    """Replaces what is older, in the order of ids; then says which reports belong to it.

    `zone` says which day a case was opened on.
    """
    if not cases:
        return
    rows = [_row(cases[each], zone) for each in sorted(cases)]
    found = await connection.fetch(_SAVE, *(list(column) for column in zip(*rows, strict=True)))
    empty = [(r["day"], r["community"], r["category"], r["state"]) for r in found if r["day"]]
    if empty:
        await connection.execute(_DROP_EMPTY, *(list(each) for each in zip(*empty, strict=True)))
    await _save_members(connection, [cases[str(row["id"])] for row in found if row["id"]])


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


async def lines_of(db: Database, case_ids: Collection[str]) -> dict[str, list[Line]]:
    """The timelines of some cases, each in order, by the case's id."""
    found: dict[str, list[Line]] = {each: [] for each in case_ids}
    for row in await db.fetch(LINES_OF_SQL, [UUID(each) for each in sorted(case_ids)]):
        found[row["case_id"]].append(Line(**row))
    return found


def _row(case: Case, zone: ZoneInfo) -> tuple[Any, ...]:
    """The columns of a case, in the order of _SAVE."""
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
        case.opened_at.astimezone(zone).date(),
        case.opened_at,
        case.accepted_at,
        case.resolved_at,
        case.closed_at,
        case.clocks.resolve_by,
        *searched_and_body(case),
    )


def searched_and_body(case: Case) -> tuple[str, str]:
    """The bigrams and the whole of a case, as JSON."""
    return _encode(bigrams(case.text, case.code)).decode(), _encode(case).decode()
