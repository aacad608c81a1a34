"""What tracking keeps of one person, page by page, for the person's own copy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from runtime.db import Database

PAGE = 500
POINTS_SQL = """
select event_id, at, type, subject_id as about, reason, points from points
where reporter_id = $1 and ($2::timestamptz is null or (at, event_id) > ($2, $3::uuid))
order by at, event_id limit $4
"""
NOTICES_SQL = """
select event_id, at, type, about, channel, event, reason from notices
where recipient_id = $1 and ($2::timestamptz is null or (at, event_id) > ($2, $3::uuid))
order by at, event_id limit $4
"""
SAID_SQL = """
select case_id, seq, at, type, reason, note from case_events
where by_role = 'reporter' and by_id = $1
  and ($2::uuid is null or (case_id, seq) > ($2, $3::int))
order by case_id, seq limit $4
"""
_PLACE = {POINTS_SQL: ("at", "event_id"), NOTICES_SQL: ("at", "event_id")}
_PLACE[SAID_SQL] = ("case_id", "seq")


async def rows(db: Database, query: str, reporter_id: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Pages of one of the queries above."""
    after: tuple[Any, Any] = (None, None)
    while True:
        found = await db.fetch(query, reporter_id, *after, PAGE)
        yield [dict(row) for row in found]
        if len(found) < PAGE:
            return
        first, second = _PLACE[query]
        after = found[-1][first], found[-1][second]
