"""Live feeds: one listener and one ring per feed in a process, no query per open stream."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from runtime.backoff import Backoff
from runtime.db import Connection, Database, is_transient

RING = 500
BATCH = 1000
POLL_S = 2.0
SLOW_CLIENT = 1000
IDLE_RINGS = 1000
"""Rings that nobody listens to are kept up to so many in a process; feeds of people are many."""

log = logging.getLogger(__name__)

_NEW = """
select position, feed, feed_no, event_id, type, value from feed
where position > $1 order by position limit $2
"""
_HEAD = "select coalesce(max(position), 0) from feed"
_TAIL = """
select feed_no, event_id, type, value from (
    select * from feed where feed = $1 order by feed_no desc limit $2
) as tail order by feed_no
"""


@dataclass(frozen=True)
class FeedItem:
    """An event on a feed; `body` is its JSON, `feed_no` counts without a gap from 1."""

    feed_no: int
    event_id: UUID
    type: str
    body: bytes


class Reset:
    """The client's place is too old: it has to read a snapshot; `feed_no` is where to go on."""

    def __init__(self, feed_no: int) -> None:
        self.feed_no = feed_no


class _Ring:
    """The newest items of one feed and who listens to it."""

    def __init__(self) -> None:
        self.items: deque[FeedItem] = deque(maxlen=RING)
        self.loading: list[FeedItem] | None = []
        self.listeners: set[asyncio.Queue[FeedItem | None]] = set()

    def fill(self, tail: list[FeedItem]) -> None:
        """The tail was read; what came meanwhile follows it (the numbers tell what is new)."""
        came, self.loading = self.loading or [], None
        for item in [*tail, *came]:
            self.add(item)

    def add(self, item: FeedItem) -> None:
        if self.loading is not None:
            self.loading.append(item)
            return
        if self.items and item.feed_no <= self.items[-1].feed_no:
            return
        self.items.append(item)
        for queue in list(self.listeners):
            try:
                queue.put_nowait(item)
            except asyncio.QueueFull:
                self.listeners.discard(queue)
                _cut(queue)


def _cut(queue: asyncio.Queue[FeedItem | None]) -> None:
    """All that waits is dropped, not a part of it: the client comes back without a hole."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)


class FeedReader:
    """Follows its schema's feed table. `run` beside the API; `subscribe` per open stream."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._rings: dict[str, _Ring] = {}
        self._position = 0
        self._wake = asyncio.Event()
        self._loading = asyncio.Lock()

    async def run(self) -> None:
        """For ever; ends by cancellation."""
        backoff = Backoff(first_s=0.1, most_s=2.0)
        while True:
            try:
                connection = await self._db.session()
                try:
                    await self._follow(connection, backoff)
                finally:
                    connection.terminate()
            except Exception as error:
                # A database that is away is waited for; a bug ends the process.
                if not is_transient(error):
                    raise
                log.warning("feed waits: %s", type(error).__name__)
                await backoff.wait()

    async def _follow(self, connection: Connection, backoff: Backoff) -> None:
        await connection.add_listener(f"{self._db.schema}_feed", lambda *_: self._wake.set())
        if self._position == 0:
            self._position = await connection.fetchval(_HEAD)
            await self._catch_up(connection)
        while True:
            self._wake.clear()
            rows = await connection.fetch(_NEW, self._position, BATCH)
            backoff.reset()
            for row in rows:
                self._position = row["position"]
                if ring := self._rings.get(row["feed"]):
                    ring.add(_item(row))
            if len(rows) < BATCH:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._wake.wait()

    async def _catch_up(self, connection: Connection) -> None:
        """What came between the reading of a ring's tail and that of the head."""
        async with self._loading:
            for feed, ring in list(self._rings.items()):
                for row in await connection.fetch(_TAIL, feed, RING):
                    ring.add(_item(row))

    async def head(self, feed: str) -> int:
        """The feed's newest number, 0 when nothing was on it yet."""
        ring = await self._ring(feed)
        return ring.items[-1].feed_no if ring.items else 0

    async def subscribe(self, feed: str, after: int | None) -> AsyncGenerator[FeedItem | Reset]:
        """Items after that number (None: from now on), or a Reset first when it is too old.

        Ends when the client is too slow; it comes back with its Last-Event-ID.
        """
        ring = await self._ring(feed)
        queue: asyncio.Queue[FeedItem | None] = asyncio.Queue(SLOW_CLIENT)
        ring.listeners.add(queue)
        try:
            last = ring.items[-1].feed_no if ring.items else 0
            known = list(ring.items) if after is not None else []
            if after is not None and _is_too_old(known, after, last):
                yield Reset(last)
                known = []
            sent = after if after is not None and known else last
            for item in known:
                if item.feed_no > sent:
                    yield item
            sent = last
            while (fresh := await queue.get()) is not None:
                if fresh.feed_no > sent:
                    sent = fresh.feed_no
                    yield fresh
        finally:
            ring.listeners.discard(queue)
            self._forget_if_idle(feed, ring)

    def _forget_if_idle(self, feed: str, ring: _Ring) -> None:
        known = self._rings.get(feed) is ring
        if known and not ring.listeners and len(self._rings) > IDLE_RINGS:
            del self._rings[feed]

    async def _ring(self, feed: str) -> _Ring:
        ring = self._rings.get(feed)
        if ring is not None and ring.loading is None:
            return ring
        async with self._loading:
            ring = self._rings.setdefault(feed, _Ring())
            if ring.loading is not None:
                tail = await self._db.fetch(_TAIL, feed, RING)
                ring.fill([_item(row) for row in tail])
        return ring


def _item(row: Any) -> FeedItem:
    return FeedItem(row["feed_no"], row["event_id"], row["type"], row["value"])


def _is_too_old(known: list[FeedItem], after: int, last: int) -> bool:
    if after > last:
        return True
    if not known:
        return after < last
    return after < known[0].feed_no - 1
