"""What nobody asks for any more: files without a commit, old sessions and links, full buckets."""

from __future__ import annotations

from runtime.db import Database
from runtime.timers import Timer
from services.intake.adapters import flood_sql, media_sql, original_sql, session_sql
from services.intake.adapters.media_store import MediaStore

ORPHAN_AGE_S = 3600.0
"""Far longer than any upload takes from its rename to its commit."""


def timers(store: MediaStore) -> tuple[Timer, ...]:
    """Every ten minutes, buckets every minute."""

    async def sweep(db: Database) -> int:
        return await sweep_orphans(db, store, ORPHAN_AGE_S)

    return (
        Timer("orphans", 600.0, sweep),
        Timer("sessions", 600.0, session_sql.forget_old),
        Timer("links", 600.0, original_sql.forget_links),
        Timer("buckets", 60.0, flood_sql.forget_full),
    )


async def sweep_orphans(db: Database, store: MediaStore, age_s: float) -> int:
    """Deletes files at least `age_s` old that SQL does not know or has refused; how many."""
    swept = await store.sweep_unfinished(age_s)
    async for ids in store.list_older_than(age_s):
        claimed = await media_sql.claimed(db, ids)
        for media_id in set(ids) - claimed:
            await store.delete(media_id)
            swept += 1
    return swept
