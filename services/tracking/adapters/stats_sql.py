"""Figures from the counts that are kept; only what is overdue now is counted when asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from runtime.db import Database
from services.tracking.domain.searching import RUNNING

COUNTS_SQL = """
select community, category, day, grouping(community, category, day) as level,
    sum(cases)::bigint as cases,
    sum(cases) filter (where state = any ($5::text[]))::bigint as running,
    sum(cases) filter (where state = 'closed')::bigint as closed,
    sum(cases) filter (where state = 'refused')::bigint as refused,
    (sum(accept_s) / nullif(sum(accepted), 0))::float8 as accept_s,
    (sum(resolve_s) / nullif(sum(resolved), 0))::float8 as resolve_s,
    sum(late)::bigint as late
from case_counts
where day between $1 and $2 and ($3::text is null or community = $3)
  and ($4::text is null or category = $4)
group by grouping sets ((), (community), (category), (day))
"""
OVERDUE_SQL = """
select coalesce(community, '') as community, coalesce(category, '') as category, day,
    grouping(coalesce(community, ''), coalesce(category, ''), day) as level, count(*) as overdue
from cases
where state in ('opened', 'assigned', 'accepted', 'in-progress', 'disputed') and resolve_by < $5
  and day between $1 and $2 and ($3::text is null or community = $3)
  and ($4::text is null or category = $4)
group by grouping sets ((), (coalesce(community, '')), (coalesce(category, '')), (day))
"""
TOTAL, COMMUNITY, CATEGORY, DAY = 7, 3, 5, 6
"""Which of the three a row is not grouped by, as bits."""


@dataclass(frozen=True)
class Figures:
    """Of one community, category or day, or of all. Mean seconds from the opening."""

    level: int
    key: str
    cases: int = 0
    running: int = 0
    closed: int = 0
    refused: int = 0
    accept_s: float | None = None
    resolve_s: float | None = None
    late: int = 0
    overdue: int = 0


async def figures(
    db: Database,
    days: tuple[date, date],
    community: str | None,
    category: str | None,
    now: datetime,
) -> Sequence[Figures]:
    """Every level, by key."""
    scope = (*days, community, category)
    late = await db.fetch(OVERDUE_SQL, *scope, now)
    overdue = {(row["level"], _key(row)): row["overdue"] for row in late}
    found = []
    for row in await db.fetch(COUNTS_SQL, *scope, list(RUNNING)):
        level, key = row["level"], _key(row)
        sums = {name: row[name] or 0 for name in ("cases", "running", "closed", "refused", "late")}
        late_now = overdue.get((level, key), 0)
        accept_s, resolve_s = row["accept_s"], row["resolve_s"]
        found.append(
            Figures(level, key, accept_s=accept_s, resolve_s=resolve_s, overdue=late_now, **sums)
        )
    return sorted(found, key=lambda each: (each.level, each.key))


def _key(row: dict[str, object]) -> str:
    name = {COMMUNITY: "community", CATEGORY: "category", DAY: "day"}.get(int(str(row["level"])))
    return str(row[name]) if name else ""
