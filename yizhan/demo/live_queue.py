"""A handler's screen: the live stream of a community's queue (server-sent events)."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

from yizhan.demo.people import Person, Unexpected

WITHIN_S = 60.0


@dataclass(frozen=True)
class Shown:
    """An event on the stream; `at` is Unix time."""

    type: str
    case_id: str
    at: float


class LiveQueue:
    """`watch` in a task; `until` waits for a case to be shown."""

    def __init__(self, handler: Person, community: str) -> None:
        self._handler = handler
        self._community = community
        self._more = asyncio.Condition()
        self.open = asyncio.Event()
        self.shown: list[Shown] = []

    async def watch(self) -> None:
        """Until it is cancelled. Raises Unexpected when the stream is refused."""
        url = f"/v1/communities/{self._community}/stream?after=0"
        async with self._handler.http.stream("GET", url, timeout=None) as answer:
            if answer.status_code != 200:
                raise Unexpected(f"GET {url}: {answer.status_code}")
            self.open.set()
            type_ = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    type_ = value
                elif name == "data" and type_ != "reset":
                    case = json.loads(value)["case"]
                    async with self._more:
                        self.shown.append(Shown(type_, case["id"], time.time()))
                        self._more.notify_all()

    async def until(self, type_: str, case_id: str) -> Shown:
        """The event once it is shown. Raises TimeoutError after a minute."""

        def found() -> Shown | None:
            hits = (s for s in self.shown if s.type == type_ and s.case_id == case_id)
            return next(hits, None)

        async with asyncio.timeout(WITHIN_S), self._more:
            await self._more.wait_for(lambda: found() is not None)
        shown = found()
        assert shown is not None
        return shown
