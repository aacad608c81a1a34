"""What several runs play: poison in a batch, pairs through two workers, states waited for."""

from __future__ import annotations

import time
from asyncio import sleep
from collections.abc import Awaitable, Callable, Sequence

from cities.areas import load_areas
from tests.faults.bus import Raw
from tests.faults.ledger import Ledger
from tests.faults.places import CENTRE, border_pairs, moved
from tests.faults.reports import Reports

APART_M = 5.0
FAR_M = 4000.0


def poison_among(reports: Reports, batch: int) -> list[Raw]:
    """F21: 200 events in one partition, the 100th is refused by SQL; away from all other spots."""
    found = []
    for number in range(1, 201):
        row, column = divmod(number, 15)
        lat, lon = moved(*CENTRE, FAR_M + batch * 600.0 + row * 35.0, column * 35.0)
        if number == 100:
            found.append(reports.refused_by_sql(lat, lon, partition=batch))
        else:
            found.append(reports.at(lat, lon, partition=batch))
    return found


def pairs_at_once(
    reports: Reports, ledger: Ledger, count: int, members: Sequence[Sequence[int]]
) -> list[Raw]:
    """Both halves of each pair at the same instant, each to a partition of another member."""
    rng = ledger.rng("pairs")
    found = []
    for number, pair in enumerate(border_pairs(load_areas("xian"), rng, count, APART_M)):
        matter = reports.matter()
        for (lat, lon), partitions in zip(pair, members, strict=True):
            partition = partitions[number % len(partitions)]
            found.append(reports.at(lat, lon, matter=matter, partition=partition))
    return found


async def until_async(condition: Callable[[], Awaitable[object]], timeout_s: float) -> None:
    """Polls; fails at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not await condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s"
        await sleep(0.05)
