"""What several runs play: poison in a batch, pairs through two workers, states waited for."""

from __future__ import annotations

import time
from asyncio import sleep
from collections.abc import Awaitable, Callable

from cities.areas import load_areas
from tests.faults.bus import Raw
from tests.faults.ledger import Ledger
from tests.faults.places import Spot, border_pairs
from tests.faults.reports import Reports

APART_M = 5.0
HALF = 4
"""Of 8 partitions the first worker has the lower half, the second the upper one."""


def poison_among(reports: Reports, spot: Spot, count: int, *, at: int) -> list[Raw]:
    """So many events in one partition; number `at` (from 1) is refused by SQL."""
    found = []
    for number in range(1, count + 1):
        lat, lon = spot.beside(north_m=1000.0 + number // 15 * 35.0, east_m=number % 15 * 35.0)
        if number == at:
            found.append(reports.refused_by_sql(lat, lon, partition=0))
        else:
            found.append(reports.at(lat, lon, partition=0))
    return found


def pairs_at_once(reports: Reports, ledger: Ledger, count: int) -> list[Raw]:
    """Both halves of each pair at the same instant, to partitions of different workers."""
    rng = ledger.rng("pairs")
    found = []
    for number, pair in enumerate(border_pairs(load_areas("xian"), rng, count, APART_M)):
        matter = reports.matter()
        for half, (lat, lon) in enumerate(pair):
            partition = number % HALF + half * HALF
            found.append(reports.at(lat, lon, matter=matter, partition=partition))
    return found


async def until_async(condition: Callable[[], Awaitable[object]], timeout_s: float) -> None:
    """Polls; fails at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not await condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s"
        await sleep(0.05)
