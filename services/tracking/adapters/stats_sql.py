"""Figures: read once from the counts that are kept, then moved on by what changed since.

An answer about all of a city reads some 80,000 counts. What changed since the last answer is a few
rows: every change of a case leaves what it was and what it is, under the transaction that made it.
A change is new when the snapshot of the last answer did not see its transaction and this one does,
so one that commits late is counted when it is there, and none is counted twice.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from runtime.db import Database
from services.tracking.domain.figures import Change, Deadline, Figures, Sums
from services.tracking.domain.searching import RUNNING

COUNTS_SQL = """
select community, category, day,
    sum(cases)::bigint as cases,
    sum(cases) filter (where state = any ($5::text[]))::bigint as running,
    sum(cases) filter (where state = 'closed')::bigint as closed,
    sum(cases) filter (where state = 'refused')::bigint as refused,
    sum(accepted)::bigint as accepted, sum(accept_us)::bigint as accept_us,
    sum(resolved)::bigint as resolved, sum(resolve_us)::bigint as resolve_us,
    sum(late)::bigint as late
from case_counts
where day between $1 and $2 and ($3::text is null or community = $3)
  and ($4::text is null or category = $4)
group by grouping sets ((), (community), (category), (day))
"""
DEADLINES_SQL = """
select resolve_by as at, 1 as sign, day, coalesce(community, '') as community,
    coalesce(category, '') as category
from cases
where state in ('opened', 'assigned', 'accepted', 'in-progress', 'disputed')
  and day between $1 and $2 and ($3::text is null or community = $3)
  and ($4::text is null or category = $4)
"""
CHANGES_SQL = """
select now.at, now.snapshot::text as snapshot, c.sign, c.day, c.community, c.category, c.state,
    c.resolve_by, c.accept_us, c.resolve_us, c.late
from (select clock_timestamp() as at, pg_current_snapshot() as snapshot) as now
left join case_changes c on c.made >= pg_snapshot_xmin($1::text::pg_snapshot)
  and not pg_visible_in_snapshot(c.made, $1::text::pg_snapshot)
  and pg_visible_in_snapshot(c.made, now.snapshot) and c.day between $2 and $3
  and ($4::text is null or c.community = $4) and ($5::text is null or c.category = $5)
"""
NOW_SQL = "select clock_timestamp() as at, pg_current_snapshot()::text as snapshot"
FORGET_SQL = "delete from case_changes where at < statement_timestamp() - interval '10 minutes'"
"""Longer than `MOST_APART` by more than any transaction lasts."""
MOST_APART = timedelta(minutes=5)
"""Figures that nobody asked for so long are read anew."""
MOST_AGE = timedelta(hours=1)
"""So are all after this time: whatever went wrong (a restored database) does not stay."""
MOST_KEPT = 32
"""Questions whose figures are kept at once; 3 MB for all of a city of 3,000 communities."""
AT_ONCE = (
    "set transaction isolation level repeatable read;set local plan_cache_mode = force_custom_plan"
)
"""One snapshot for all statements; one plan for all questions would read every count also where one
community is asked for."""
SUMS = tuple(each for each in Sums.__struct_fields__ if each != "overdue")

Scope = tuple[date, date, str | None, str | None]
"""First and last day, community, category."""


@dataclass
class _Kept:
    """Figures as one snapshot of the database saw them; `whole_at`: when all was read."""

    figures: Figures
    whole_at: datetime
    read_at: datetime
    snapshot: str


class Stats:
    """What a process knows of the figures. One question at a time reads what is new."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Scope, _Kept] = OrderedDict()
        self._one = asyncio.Lock()

    async def figures(self, db: Database, scope: Scope, now: datetime) -> Figures:
        """As of this moment. They are the caller's until it awaits something else."""
        async with self._one:
            kept = await self._moved_on(db, scope) or await _read(db, scope)
            self._kept[scope] = kept
            self._kept.move_to_end(scope)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        kept.figures.pass_to(now)
        return kept.figures

    async def _moved_on(self, db: Database, scope: Scope) -> _Kept | None:
        kept = self._kept.get(scope)
        if kept is None:
            return None
        rows = await db.fetch(CHANGES_SQL, kept.snapshot, *scope)
        now = rows[0]["at"]
        if now - kept.read_at > MOST_APART or now - kept.whole_at > MOST_AGE:
            return None
        kept.figures.add(Change(*tuple(row)[2:]) for row in rows if row["sign"])
        kept.read_at, kept.snapshot = now, rows[0]["snapshot"]
        return kept


async def _read(db: Database, scope: Scope) -> _Kept:
    async with db.transaction(AT_ONCE) as connection:
        now = await connection.fetchrow(NOW_SQL)
        deadlines = await connection.fetch(DEADLINES_SQL, *scope)
        counts = await connection.fetch(COUNTS_SQL, *scope, list(RUNNING))
    figures = Figures(Deadline(*row) for row in deadlines)
    for row in counts:
        sums = Sums(**{name: row[name] or 0 for name in SUMS})
        if row["community"] is not None:
            figures.by_community[row["community"]] = sums
        elif row["category"] is not None:
            figures.by_category[row["category"]] = sums
        elif row["day"] is not None:
            figures.by_day[row["day"]] = sums
        else:
            figures.total = sums
    return _Kept(figures, now["at"], now["at"], now["snapshot"])


async def forget(db: Database) -> int:
    """Changes that no figures wait for any more; how many."""
    return await db.changed(FORGET_SQL)
