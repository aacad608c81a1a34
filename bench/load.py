"""Load: open, at instants fixed beforehand; closed, by clients that wait for their answer."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any


def arrivals(rate_per_s: float, seconds: float, seed: int) -> list[float]:
    """Seconds from the start at which independent people come (exponential gaps)."""
    rng = random.Random(seed)
    found: list[float] = []
    at = rng.expovariate(rate_per_s)
    while at < seconds:
        found.append(at)
        at += rng.expovariate(rate_per_s)
    return found


async def open_loop(
    instants_s: Sequence[float], send: Callable[[int, float], Coroutine[Any, Any, None]]
) -> list[float]:
    """Starts `send(number, due)` at each instant, whatever became of the ones before.

    `due` is on the monotonic clock: a latency counted from it holds the time that a late start
    cost. Returns how late each one started, in seconds, once all have ended. Raises what one did.
    """
    began = time.monotonic()
    late: list[float] = []
    async with asyncio.TaskGroup() as group:
        for number, instant_s in enumerate(instants_s):
            due = began + instant_s
            if (early_s := due - time.monotonic()) > 0:
                await asyncio.sleep(early_s)
            late.append(max(0.0, time.monotonic() - due))
            group.create_task(send(number, due))
    return late


async def closed_loop(
    clients: int, seconds: float, ask: Callable[[int], Coroutine[Any, Any, None]]
) -> list[float]:
    """Each client asks again as soon as it has its answer; how long each answer took, in seconds.

    Good for the rate that so many can get, not for latencies: whoever waits sends nothing.
    """
    end = time.monotonic() + seconds
    took: list[float] = []

    async def client(number: int) -> None:
        while (began := time.monotonic()) < end:
            await ask(number)
            if (now := time.monotonic()) <= end:
                took.append(now - began)

    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(client(number))
    return took
