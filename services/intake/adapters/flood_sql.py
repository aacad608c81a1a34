"""Token buckets in SQL: one call takes from all of a request's buckets, or from none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.city import FloodBy
from runtime.db import Database
from services.intake.domain.floods import Bucket

_TAKE = "select at, wait_s from take_tokens($1, $2, $3, $4)"
_FORGET = """
delete from buckets where name in (
    select name from buckets where full_at < statement_timestamp() - interval '1 minute'
    limit 1000 for update skip locked
) returning 1
"""


@dataclass(frozen=True)
class Empty:
    """Which bucket is empty for the longest, and for how many seconds."""

    by: FloodBy
    wait_s: float


async def draw(db: Database, taken: Sequence[Bucket], count: int) -> Empty | None:
    """None when every bucket held that many tokens. Exact across all processes."""
    row = await db.fetchrow(
        _TAKE,
        [each.name for each in taken],
        [each.burst for each in taken],
        [each.every_s for each in taken],
        count,
    )
    return None if row["at"] is None else Empty(taken[row["at"] - 1].by, row["wait_s"])


async def forget_full(db: Database) -> int:
    """Removes buckets that are full again: they hold what a new one holds."""
    return len(await db.fetch(_FORGET))
