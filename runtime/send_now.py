"""The relay's short cut for a process that just committed: send at once, mark, forget."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from runtime.db import Database
from runtime.producer import Producer, SendUnknown
from runtime.relay import Row, mark_sent

BATCH = 200
MARK_EVERY_S = 0.1
"""Much less than the relay's grace for such rows."""
MOST_WAITING = 5000
log = logging.getLogger(__name__)


class SendNow:
    """For outbox rows marked `direct` (see Outgoing). What it cannot send is the relay's."""

    def __init__(self, db: Database, producer: Producer) -> None:
        self._db = db
        self._producer = producer
        self._waiting: asyncio.Queue[Row] = asyncio.Queue(MOST_WAITING)
        self._sent: asyncio.Queue[Row] = asyncio.Queue()

    def offer(self, row: Row) -> None:
        """Never waits, never fails."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(row)

    async def run(self) -> None:
        """For ever, beside the API; ends by cancellation."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send())
            group.create_task(self._mark())

    async def _send(self) -> None:
        while True:
            rows = await _some(self._waiting)
            try:
                await self._producer.send(rows)
            except SendUnknown:
                self._drop()
            except Exception as error:  # whatever it was: unsent rows are the relay's
                log.warning("send-now: %s", type(error).__name__)
            else:
                for row in rows:
                    self._sent.put_nowait(row)

    async def _mark(self) -> None:
        """Many at once: nobody waits for it, and until then the relay leaves them alone."""
        while True:
            await asyncio.sleep(MARK_EVERY_S)
            rows = await _some(self._sent)
            try:
                async with self._db.connection() as connection:
                    await mark_sent(connection, self._db.schema, rows)
            except Exception as error:  # whatever it was: the relay sends them once more
                log.warning("send-now: not marked: %s", type(error).__name__)

    def _drop(self) -> None:
        # The broker is away: the relay sends these in order when it is back.
        while not self._waiting.empty():
            self._waiting.get_nowait()


async def _some(queue: asyncio.Queue[Row]) -> list[Row]:
    rows = [await queue.get()]
    while len(rows) < BATCH and not queue.empty():
        rows.append(queue.get_nowait())
    return rows
