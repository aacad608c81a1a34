"""Everybody's reports and what happened to their cases, as other systems look for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.cases import OPEN311_STATUS
from contracts.city import OTHER
from runtime.db import Database

_SHUT = ", ".join(f"'{state}'" for state, word in OPEN311_STATUS.items() if word == "closed")

# One case answers for a report: a merged one only when it has no other (case_sql.OF_REPORTS_SQL).
# A report without a case is shut when the last word about it was that it is refused.
_FROM = f"""
from reports r
left join lateral (
    select c.state, c.category, (c.body->>'updated_at')::timestamptz as updated_at
    from case_reports member join cases c on c.id = member.case_id
    where member.report_id = r.id
    order by c.state = 'merged', member.joined_at desc, c.id limit 1
) c on true
cross join lateral (
    select max(f.at) as at,
        (array_agg(f.type order by f.seq desc)
            filter (where f.type <> 'ReportEnriched'))[1] as type,
        (array_agg(f.body->>'category' order by f.seq desc)
            filter (where f.body->>'category' is not null))[1] as category,
        bool_or(f.body ? 'open311') as open311,
        (array_agg(f.body->>'text' order by f.seq) filter (where f.seq = 1))[1] as text
    from report_facts f where f.report_id = r.id
) f
cross join lateral (
    select greatest(f.at, c.updated_at) as updated_at,
        coalesce(c.category, f.category, '{OTHER}') as category,
        coalesce(c.state in ({_SHUT}), f.type = 'ReportRefused', false) as shut
) as is_now
"""  # noqa: S608 - constants
_WHERE = """
where r.id >= $1 and r.id < $2
  and ($3::text[] is null or is_now.category = any ($3))
  and ($4::boolean is null or is_now.shut = $4)
  and ($5::timestamptz is null or is_now.updated_at >= $5)
  and ($6::timestamptz is null or is_now.updated_at <= $6)
  and ($7::text is null or is_now.category = any ($8::text[])
       or (f.open311 and strpos(lower(coalesce(f.text, '')), $7) > 0))
  and (not $9::boolean or f.open311)
order by r.id desc offset $10 limit $11
"""
SEARCH_SQL = f"select r.id, is_now.updated_at {_FROM} {_WHERE}"
BY_ID_SQL = f"select r.id, is_now.updated_at {_FROM} where r.id = any ($1::uuid[])"
UPDATES_SQL = """
select member.report_id, e.case_id::text as case_id, e.seq, e.type, e.at, e.state, e.reason, e.note,
    own.open311
from case_events e
join case_reports member on member.case_id = e.case_id
cross join lateral (
    select coalesce(bool_or(f.body ? 'open311'), false) as open311
    from report_facts f where f.report_id = member.report_id and f.seq = 1
) own
where e.at >= $1 and e.at <= $2 and e.type = any ($3::text[]) and member.joined_at <= e.at
  and (own.open311 or not $4::boolean)
order by e.at, e.case_id, e.seq, member.report_id offset $5 limit $6
"""
LOWEST, HIGHEST = UUID(int=0), UUID(int=2**128 - 1)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Everything set must hold; `ids`, when they are there, override all.

    `word` (lower case) stands in the text of what came through Open311, or the report's category
    is among `word_categories`. Instants are aware.
    """

    ids: tuple[UUID, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    categories: tuple[str, ...] | None = None
    shut: bool | None = None
    word: str | None = None
    word_categories: tuple[str, ...] = ()
    only_open311: bool = False
    offset: int = 0
    limit: int = 1000


def first_id(at: datetime) -> UUID:
    """The lowest UUIDv7 of that millisecond: ids of reports are in the order of their instants."""
    return UUID(int=max(0, min(int(at.timestamp() * 1000), 2**48 - 1)) << 80)


def values(wanted: Wanted) -> list[Any]:
    """The parameters of SEARCH_SQL."""
    until = None if wanted.until is None else UUID(int=first_id(wanted.until).int + (1 << 80))
    return [
        LOWEST if wanted.since is None else first_id(wanted.since),
        HIGHEST if until is None else until,
        None if wanted.categories is None else list(wanted.categories),
        wanted.shut,
        wanted.updated_after,
        wanted.updated_before,
        wanted.word,
        list(wanted.word_categories),
        wanted.only_open311,
        wanted.offset,
        wanted.limit,
    ]


async def search(db: Database, wanted: Wanted) -> dict[str, datetime]:
    """Ids of reports with the instant of the last thing that happened to each."""
    if wanted.ids is not None:
        rows = await db.fetch(BY_ID_SQL, list(wanted.ids))
    else:
        rows = await db.fetch(SEARCH_SQL, *values(wanted))
    return {str(row["id"]): row["updated_at"] for row in rows}


@dataclass(frozen=True, kw_only=True)
class Span:
    """What happened between two instants, both included, of these types."""

    since: datetime
    until: datetime
    types: tuple[str, ...]
    only_open311: bool = False
    offset: int = 0
    limit: int = 1000


async def updates(db: Database, span: Span) -> list[dict[str, Any]]:
    """A row for each report of a case and each thing that happened to it, oldest first."""
    rows = await db.fetch(
        UPDATES_SQL,
        span.since,
        span.until,
        list(span.types),
        span.only_open311,
        span.offset,
        span.limit,
    )
    return [dict(row) | {"report_id": str(row["report_id"])} for row in rows]
