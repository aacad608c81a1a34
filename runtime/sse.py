"""Server-sent events: feed items as they come, a keepalive, an end with the token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from starlette.responses import StreamingResponse

from runtime import metrics
from runtime.errors import invalid_field
from runtime.feed import FeedItem, Reset

KEEPALIVE_S = 15.0
RETRY_MS = 2000


def last_event_id(header: str | None) -> int | None:
    """The feed number in a `Last-Event-ID` header. Raises 422 for anything else."""
    if header is None or header == "":
        return None
    if not header.isascii() or not header.isdigit() or len(header) > 18:
        raise invalid_field("Last-Event-ID", "不是本流的编号", "not a number that this stream gave")
    return int(header)


def response(
    items: AsyncIterator[FeedItem | Reset],
    render: Callable[[FeedItem], bytes],
    *,
    service: str,
    until: float,
) -> StreamingResponse:
    """A stream that ends when the feed cuts it or at `until` (Unix time: the token's end).

    `render` gives the JSON data of an item; a Reset becomes an event of that name.
    """
    return StreamingResponse(
        _lines(items, render, service, until),
        media_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _lines(
    items: AsyncIterator[FeedItem | Reset],
    render: Callable[[FeedItem], bytes],
    service: str,
    until: float,
) -> AsyncIterator[bytes]:
    metrics.STREAMS_OPEN.labels(service).inc()
    iterator = items.__aiter__()
    pending: asyncio.Future[Any] | None = None
    try:
        yield b"retry: %d\n\n" % RETRY_MS
        while (left_s := until - time.time()) > 0:
            pending = pending or asyncio.ensure_future(anext(iterator))
            done, _ = await asyncio.wait({pending}, timeout=min(KEEPALIVE_S, left_s))
            if not done:
                yield b": keepalive\n\n"
                continue
            try:
                item = pending.result()
            except StopAsyncIteration:
                return
            finally:
                pending = None
            yield _event(item, render)
    finally:
        metrics.STREAMS_OPEN.labels(service).dec()
        if pending is not None:
            pending.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await pending
        aclose = getattr(iterator, "aclose", None)
        if aclose is not None:
            await aclose()


def _event(item: FeedItem | Reset, render: Callable[[FeedItem], bytes]) -> bytes:
    if isinstance(item, Reset):
        return b"id: %d\nevent: reset\ndata: {}\n\n" % item.feed_no
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (item.feed_no, item.type.encode(), render(item))
