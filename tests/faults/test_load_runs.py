"""The product under load while its parts are killed: every accepted report, exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.faults import record
from tests.faults.bus import Offsets
from tests.faults.clients import People
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.oracle import Verdict
from tests.faults.places import Spot
from tests.faults.stack import Stack

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]
FEWEST_PER_S = 60.0
SHARE_CLOSED = 0.10
HERE = "tests/faults/test_load_runs.py"

Faults = Callable[["Run"], Awaitable[None]]


class Run:
    """One load run: its truth, its people, its load."""

    def __init__(self, stack: Stack, ledger: Ledger, people: People, since: Offsets) -> None:
        self.stack = stack
        self.ledger = ledger
        self.people = people
        self.since = since

    async def kill(self, name: str) -> None:
        """kill -9, noted."""
        await self.stack.kill(name)
        self.ledger.fault(f"kill -9 {name}", kills=1)

    async def kills(self, names: Sequence[str], *, first_s: float, every_s: float) -> None:
        """One after the other, on a timetable of the run."""
        rng = self.ledger.rng("faults")
        await asyncio.sleep(first_s)
        for name in names:
            await self.kill(name)
            await asyncio.sleep(every_s * rng.uniform(0.8, 1.2))


@asynccontextmanager
async def begun(stack: Stack, name: str) -> AsyncIterator[Run]:
    """A run on a stack at rest."""
    await stack.all_ready()
    ledger = Ledger(name)
    print(f"\n  {name}: seed {ledger.seed}", flush=True)
    since = await stack.oracle().begin()
    async with People(stack.url, stack.data.secrets.signing_key_file, ledger) as people:
        yield Run(stack, ledger, people, since)


async def under_load(run: Run, spots: Iterator[Spot], seconds: float, faults: Faults) -> Verdict:
    """Load and faults at once; then everything comes to rest and is judged."""
    load = Load(run.people, run.ledger, spots)
    await asyncio.gather(load.run(seconds), faults(run))
    await run.stack.all_ready()
    verdict = await run.stack.oracle().judge(run.ledger, run.since)
    rate = len(run.ledger.accepted) / load.seconds
    assert load.seconds >= 25 and rate >= FEWEST_PER_S, f"{rate:.1f}/s for {load.seconds:.0f} s"
    assert run.ledger.closed >= SHARE_CLOSED * verdict.counts["cases"]
    return verdict


def accept_verdict(run: Run, verdict: Verdict, test: str) -> None:
    """The row, then the assertion."""
    record.keep(run.ledger, verdict, f"{HERE}::{test}")
    assert not verdict.breaches, verdict.told()


async def test_kill_9_of_each_worker_and_of_the_edge(
    stack: Stack, all_spots: Iterator[Spot]
) -> None:
    async with begun(stack, "kill -9 of each worker and of the edge, twice each") as run:
        names = [*stack.workers(), "edge"] * 2
        run.ledger.rng("order").shuffle(names)

        async def faults(run: Run) -> None:
            await run.kills(names, first_s=3.0, every_s=28.0 / len(names))

        verdict = await under_load(run, all_spots, 34.0, faults)
        accept_verdict(run, verdict, "test_kill_9_of_each_worker_and_of_the_edge")
