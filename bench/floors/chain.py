"""POST to live queue over three topics with plain aiokafka: the product's hops and commits, bare.

`python -m bench.floors.chain api PORT | intake | dispatch`, three processes:
api       commit, publish, 202; follows `feed` by LISTEN and shows it as server-sent events
intake    a batch, one commit, publish
dispatch  a batch, one commit, publish, then the feed rows in one more commit with its NOTIFY
No inbox, no outbox, no locks, no group: what crashes is lost or happens twice.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from bench.floors.accept import app_of
from bench.floors.ground import PARTITIONS, Place, ready, serve

BATCH = 500
COMMIT_EVERY_S = 1.0
"""Offsets, as in the product."""
_STORE = "insert into {} (id, body) select * from unnest($1::uuid[], $2::bytea[])"
_FEED = "insert into feed (id, body) select * from unnest($1::uuid[], $2::bytea[])"
_NEW = "select no, id, body from feed where no > $1 order by no"


async def hop(place: Place, role: str, source: str, target: str, *, shown: bool) -> None:
    """From topic to topic, for ever."""
    pool, producer = await place.pool(), await place.producer()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=place.kafka,
        group_id=f"floor-{role}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    consumer.assign([TopicPartition(source, number) for number in range(PARTITIONS)])
    ready()
    committed_at = time.monotonic()
    while True:
        batches = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
        records = [record for batch in batches.values() for record in batch]
        if records:
            ids = [UUID(record.key.decode()) for record in records]
            bodies = [record.value for record in records]
            await pool.execute(_STORE.format(target.removeprefix("floor-")), ids, bodies)
            await _publish(producer, target, records)
            if shown:
                await _show(pool, ids, bodies)
        if time.monotonic() - committed_at >= COMMIT_EVERY_S:
            await consumer.commit()
            committed_at = time.monotonic()


async def _publish(producer: Any, target: str, records: Sequence[Any]) -> None:
    sent = [await producer.send(target, record.value, record.key) for record in records]
    await asyncio.gather(*sent)


async def _show(pool: Any, ids: list[UUID], bodies: list[bytes]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_FEED, ids, bodies)
        await connection.execute("notify floor_feed")


def live(place: Place) -> FastAPI:
    """The accept floor with a stream beside it."""
    app = app_of(place)
    accepting = app.router.lifespan_context
    listeners: set[asyncio.Queue[bytes]] = set()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with accepting(app):
            session = await place.session()
            following = asyncio.create_task(_follow(session, listeners))
            yield
            following.cancel()
            session.terminate()

    app.router.lifespan_context = lifespan

    async def lines() -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        listeners.add(queue)
        try:
            yield b"retry: 2000\n\n"
            while True:
                yield await queue.get()
        finally:
            listeners.discard(queue)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        """All that is shown from now on."""
        return StreamingResponse(lines(), media_type="text/event-stream")

    return app


async def _follow(connection: Any, listeners: set[asyncio.Queue[bytes]]) -> None:
    wake = asyncio.Event()
    position = 0
    await connection.add_listener("floor_feed", lambda *_: wake.set())
    while True:
        await wake.wait()
        wake.clear()
        for row in await connection.fetch(_NEW, position):
            position = row["no"]
            event = b'id: %d\ndata: {"id":"%s"}\n\n' % (position, str(row["id"]).encode())
            for queue in listeners:
                queue.put_nowait(event)


async def main(role: str, *arguments: str) -> None:
    """One of the three."""
    place = Place.of_environment()
    if role == "api":
        await serve(live(place), int(arguments[0]))
    elif role == "intake":
        await hop(place, role, "floor-submissions", "floor-reports", shown=False)
    else:
        await hop(place, role, "floor-reports", "floor-cases", shown=True)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
