"""A screen that follows a live stream: a community's queue, a reporter's notices (SSE)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from yizhan.demo.people import Person, Unexpected

WITHIN_S = 60.0


@dataclass(frozen=True)
class Shown:
    """An event on the stream: its type and data; `at` is Unix time."""

    type: str
    body: dict[str, Any]
    at: float


class Live:
    """`watch` in a task; `until` waits for what is to be shown."""

    def __init__(self, person: Person, path: str) -> None:
        self._person = person
        self._path = path
        self._more = asyncio.Condition()
        self.open = asyncio.Event()
        self.shown: list[Shown] = []

    async def watch(self) -> None:
        """From its beginning, until it is cancelled. Raises Unexpected when it is refused."""
        url = f"{self._path}?after=0"
        async with self._person.http.stream("GET", url, timeout=None) as answer:
            if answer.status_code != 200:
                raise Unexpected(f"GET {url}: {answer.status_code}")
            self.open.set()
            type_ = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    type_ = value
                elif name == "data" and type_ != "reset":
                    async with self._more:
                        self.shown.append(Shown(type_, json.loads(value), time.time()))
                        self._more.notify_all()

    async def until(self, wanted: Callable[[Shown], bool]) -> Shown:
        """The first such event once it is shown. Raises TimeoutError after a minute."""

        def found() -> Shown | None:
            return next(filter(wanted, self.shown), None)

        async with asyncio.timeout(WITHIN_S), self._more:
            await self._more.wait_for(lambda: found() is not None)
        shown = found()
        assert shown is not None
        return shown
