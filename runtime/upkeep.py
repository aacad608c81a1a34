"""What a schema needs now and then: partitions for the days to come, old ones dropped."""

from __future__ import annotations

import asyncio
import logging

from runtime.db import Database, is_transient
from runtime.idempotency import FORGET_SQL
from runtime.plumbing import HORIZON_DAYS, MAKE_PARTITIONS, TODAY

EVERY_S = 3600.0
RETRY_S = 5.0
log = logging.getLogger(__name__)


async def once(db: Database) -> None:
    """Makes and drops partitions, forgets old idempotency keys."""
    await db.execute(MAKE_PARTITIONS)
    await db.execute(f"select drop_partitions({TODAY} - {HORIZON_DAYS})")
    await db.execute(FORGET_SQL)


async def run(db: Database) -> None:
    """For ever, hourly; a database that is away is asked again soon."""
    while True:
        try:
            await once(db)
        except Exception as error:
            # Only what waiting can mend is waited for.
            if not is_transient(error):
                raise
            log.warning("upkeep waits: %s", type(error).__name__)
            await asyncio.sleep(RETRY_S)
        else:
            await asyncio.sleep(EVERY_S)
