"""The relay's short cut for a process that just committed: send at once, mark, forget."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from runtime.db import Database
from runtime.producer import Producer, SendUnknown
from runtime.relay import Row, mark_sent

BATCH = 200
MOST_WAITING = 5000
log = logging.getLogger(__name__)


class SendNow:
    """For outbox rows marked `direct` (one event a key). What it cannot send is the relay's."""

    def __init__(self, db: Database, producer: Producer) -> None:
        self._db = db
        self._producer = producer
        self._waiting: asyncio.Queue[Row] = asyncio.Queue(MOST_WAITING)

    def offer(self, row: Row) -> None:
        """Never waits, never fails."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(row)

    async def run(self) -> None:
        """For ever, beside the API; ends by cancellation."""
        while True:
            rows = [await self._waiting.get()]
            while len(rows) < BATCH and not self._waiting.empty():
                rows.append(self._waiting.get_nowait())
            try:
                await self._producer.send(rows)
                async with self._db.connection() as connection:
                    await mark_sent(connection, self._db.schema, rows)
            except SendUnknown:
                self._drop()
            except Exception as error:  # whatever it was: unmarked rows are the relay's
                log.warning("send-now: %s", type(error).__name__)

    def _drop(self) -> None:
        # The broker is away: the relay sends these in order when it is back.
        while not self._waiting.empty():
            self._waiting.get_nowait()
