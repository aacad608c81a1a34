"""Exactly one relay per schema: an advisory lock, and a heartbeat that a frozen holder misses."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from runtime.db import Connection, Database

BEAT_S = 0.5
STALE_S = 2.0

_TRY = "select pg_try_advisory_lock(hashtext($1), 1)"
_BEAT = """
insert into relay_heartbeat as beat (one, pid, beat_at)
values (true, pg_backend_pid(), clock_timestamp())
on conflict (one) do update set pid = excluded.pid, beat_at = excluded.beat_at
"""
_BEAT_FOR = "update relay_heartbeat set beat_at = clock_timestamp() where pid = $1"
_DEPOSE = """
select pg_terminate_backend(pid) from relay_heartbeat
where beat_at < clock_timestamp() - make_interval(secs => $1) and pid <> pg_backend_pid()
  and exists (select from pg_locks l where l.locktype = 'advisory' and l.pid = relay_heartbeat.pid)
"""


class Leadership:
    """`async with`: waits until this session leads. A session that was ended raises in `check`.

    All writes of the leader go through `connection`, so a deposed leader cannot mark anything.
    """

    connection: Connection

    def __init__(self, db: Database) -> None:
        self._db = db
        self._beats: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.connection = await self._db.session()
        try:
            while not await self.connection.fetchval(_TRY, self._db.schema):
                await self.connection.execute(_DEPOSE, STALE_S)
                await asyncio.sleep(BEAT_S)
            await self.connection.execute(_BEAT)
        except BaseException:
            await self._leave()
            raise
        self._beats = asyncio.create_task(self._beat())
        return self

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self._db.execute(_BEAT_FOR, self.connection.get_server_pid())

    def check(self) -> None:
        """Raises what ended the heartbeat, or ConnectionError when the session is gone."""
        if self._beats is not None and self._beats.done():
            self._beats.result()
        if self.connection.is_closed():
            raise ConnectionError("the relay's session was ended")

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._beats is not None:
            self._beats.cancel()
            with suppress(asyncio.CancelledError, Exception):  # its failure already ended the lead
                await self._beats
        await self._leave()

    async def _leave(self) -> None:
        # Ending the session frees the lock; a lost server must not hold us.
        try:
            async with asyncio.timeout(1.0):
                await self.connection.close()
        except Exception:  # whatever it was, the socket goes
            self.connection.terminate()
