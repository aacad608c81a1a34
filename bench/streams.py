"""When a case was first seen on a live stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from bench.client import Client
from bench.people import People


class _Shown(msgspec.Struct):
    id: str


class _Told(msgspec.Struct):
    case: _Shown


_CASE = msgspec.json.Decoder(_Told).decode
_ID = msgspec.json.Decoder(_Shown).decode


class Seen:
    """By id: the instant of the first event, on the monotonic clock."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Event] = {}

    def add(self, key: str) -> None:
        """Something was shown."""
        if key not in self.at:
            self.at[key] = time.monotonic()
            if waiting := self._waiting.pop(key, None):
                waiting.set()

    async def until(self, key: str, timeout_s: float) -> float:
        """The instant, once it is known. Raises TimeoutError."""
        if key not in self.at:
            waiting = self._waiting.setdefault(key, asyncio.Event())
            await asyncio.wait_for(waiting.wait(), timeout_s)
        return self.at[key]


@asynccontextmanager
async def queues(client: Client, people: People, communities: list[str]) -> AsyncIterator[Seen]:
    """The communities' live queues, each followed by its handler; keys are case ids."""
    seen = Seen()
    async with AsyncExitStack() as stack:
        for code in communities:
            path = f"/v1/communities/{code}/stream"
            following = _following(client, path, people.staff("handler", code), _case_id, seen)
            await stack.enter_async_context(following)
        yield seen


@asynccontextmanager
async def floor_stream(client: Client) -> AsyncIterator[Seen]:
    """The floor's one stream; keys are report ids."""
    seen = Seen()
    async with _following(client, "/stream", "", lambda data: _ID(data).id, seen):
        yield seen


def _case_id(data: bytes) -> str:
    return _CASE(data).case.id


@asynccontextmanager
async def _following(
    client: Client, path: str, token: str, key: Callable[[bytes], str], seen: Seen
) -> AsyncIterator[None]:
    is_open = asyncio.Event()

    async def follow() -> None:
        async for data in client.events(path, token):
            is_open.set()
            if data:
                seen.add(key(data))

    task = asyncio.create_task(follow())
    opening = asyncio.create_task(is_open.wait())
    await asyncio.wait([task, opening], return_when=asyncio.FIRST_COMPLETED)
    opening.cancel()
    if task.done():
        task.result()
    try:
        yield
        if task.done():
            raise RuntimeError(f"{path} ended")
    finally:
        task.cancel()
        await asyncio.wait([task])
