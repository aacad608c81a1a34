"""Due rows: claim, change and outbox in one transaction by the database's clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from runtime import metrics
from runtime.backoff import Backoff
from runtime.db import Database, is_transient

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timer:
    """`tick` claims due rows (FOR UPDATE SKIP LOCKED), acts, and says how many it claimed."""

    name: str
    every_s: float
    tick: Callable[[Database], Awaitable[int]]

    async def run(self, db: Database, committed: Callable[[], None]) -> None:
        """For ever; goes on at once while there is more to claim."""
        backoff = Backoff(first_s=0.2, most_s=5.0)
        while True:
            try:
                claimed = await self.tick(db)
            except Exception as error:
                # A database that is away is waited for; a bug must stop the process.
                if not is_transient(error):
                    raise
                await backoff.wait()
                continue
            backoff.reset()
            if claimed:
                metrics.TIMERS_TOTAL.labels(db.schema, self.name).inc(claimed)
                committed()
            else:
                await asyncio.sleep(self.every_s)
