"""What happened to everybody's cases in SQL, as other systems look for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runtime.db import Database

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
