"""Figures from the counts that are kept; only what is overdue now is counted when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    sum(accepted)::bigint as accepted, sum(accept_us)::float8 as accept_us,
    sum(resolved)::bigint as resolved, sum(resolve_us)::float8 as resolve_us,
    sum(late)::bigint as late
from case_counts
where day between $1 and $2 and ($3::text is null or community = $3)
  and ($4::text is null or category = $4)
group by grouping sets ((community), (category), (day))
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
OWN_PLAN = "set local plan_cache_mode = force_custom_plan"
"""One plan for all questions reads every count also where one community is asked for."""
SUMS = (
    *("cases", "running", "closed", "refused", "late"),
    *("accepted", "accept_us", "resolved", "resolve_us"),
)
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
    """Every level, by key; the total is that of all days."""
    scope = (*days, community, category)
    async with db.transaction(OWN_PLAN) as connection:
        late = await connection.fetch(OVERDUE_SQL, *scope, now)
        counts = await connection.fetch(COUNTS_SQL, *scope, list(RUNNING))
    overdue = {(row["level"], _key(row)): row["overdue"] for row in late}
    found, total = [], dict.fromkeys(SUMS, 0)
    for row in counts:
        level, key = row["level"], _key(row)
        sums = {name: row[name] or 0 for name in SUMS}
        found.append(_figures(level, key, sums, overdue.get((level, key), 0)))
        if level == DAY:
            total = {name: total[name] + sums[name] for name in SUMS}
    found.append(_figures(TOTAL, "", total, overdue.get((TOTAL, ""), 0)))
    return sorted(found, key=lambda each: (each.level, each.key))


def _figures(level: int, key: str, sums: Mapping[str, float], overdue: int) -> Figures:
    return Figures(
        level,
        key,
        cases=int(sums["cases"]),
        running=int(sums["running"]),
        closed=int(sums["closed"]),
        refused=int(sums["refused"]),
        accept_s=sums["accept_us"] / sums["accepted"] / 1e6 if sums["accepted"] else None,
        resolve_s=sums["resolve_us"] / sums["resolved"] / 1e6 if sums["resolved"] else None,
        late=int(sums["late"]),
        overdue=overdue,
    )


def _key(row: dict[str, object]) -> str:
    name = {COMMUNITY: "community", CATEGORY: "category", DAY: "day"}.get(int(str(row["level"])))
    return str(row[name]) if name else ""
