"""A community's live stream as its handler's app follows it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from tests.faults.bus import Raw
from tests.faults.clients import People


@dataclass
class Followed:
    """What came on one stream: feed number, event id, case, its seq."""

    community: str
    items: list[tuple[int, str, str, int]] = field(default_factory=list)

    def faults(self, on_topic: Sequence[Raw], after: int) -> list[str]:
        """Where the stream and the topic's events of this community differ."""
        numbers = [number for number, *_ in self.items]
        found = []
        if numbers != list(range(after + 1, after + 1 + len(numbers))):
            found.append(f"numbers {numbers}")
        events = [event for _, event, *_ in self.items]
        expected = {record.header("ce_id") for record in on_topic}
        if len(events) != len(set(events)) or set(events) != expected:
            found.append(f"{len(events)} events, {len(expected)} on the topic")
        last: dict[str, int] = {}
        for _, event, case, seq in self.items:
            if seq != last.get(case, seq - 1) + 1:
                found.append(f"{event} is number {seq} after {last[case]}")
            last[case] = seq
        return found


@asynccontextmanager
async def following(
    people: People, url: str, community: str, after: int
) -> AsyncIterator[Followed]:
    """Open from that feed number on, until the end of the block."""
    followed = Followed(community)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        task = asyncio.create_task(_follow(http, people, url, followed, after))
        try:
            yield followed
        finally:
            task.cancel()
            await asyncio.wait([task])


async def _follow(
    http: aiohttp.ClientSession, people: People, url: str, followed: Followed, after: int
) -> None:
    path = f"{url}/v1/communities/{followed.community}/stream?after={after}"
    headers = {"Authorization": f"Bearer {people.handler_of(followed.community)}"}
    number = 0
    async with http.get(path, headers=headers) as answer:
        async for line in answer.content:
            name, _, rest = line.decode().strip().partition(": ")
            if name == "id":
                number = int(rest)
            elif name == "data":
                told = json.loads(rest)
                case = told["case"]
                followed.items.append((number, told["event_id"], case["id"], case["seq"]))
