"""The product under load while its parts are killed: every accepted report, exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import islice

import pytest

from tests.faults import record
from tests.faults.bus import Offsets
from tests.faults.clients import People
from tests.faults.hearing import WEBHOOK_EVENTS
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.places import Spot
from tests.faults.poison import in_a_row, undecodable
from tests.faults.reports import Reports
from tests.faults.scenes import poison_among
from tests.faults.stack import Stack
from tests.faults.verdict import Verdict
from tests.integration.receivers import receiver

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]
FEWEST_PER_S = 60.0
F21_TIMES = 5
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


@asynccontextmanager
async def listening(run: Run) -> AsyncIterator[None]:
    """A receiver on the loopback that has subscribed to the ends of cases."""
    operator, call = run.people.operator, run.people.call
    async with receiver() as there:
        wanted = {"url": there.url("good"), "event_types": list(WEBHOOK_EVENTS)}
        _, made = await call("POST", "/v1/webhooks", operator, wanted)
        run.ledger.receiver, run.ledger.secret = there, made["secret"]
        yield
        await call("DELETE", f"/v1/webhooks/{made['id']}", operator)


async def under_load(run: Run, spots: Iterator[Spot], seconds: float, faults: Faults) -> Verdict:
    """Load and faults at once; then everything comes to rest and is judged."""
    load = Load(run.people, run.ledger, spots)
    async with listening(run):
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


async def test_kill_9_of_the_broker_and_of_postgresql(
    stack: Stack, all_spots: Iterator[Spot]
) -> None:
    async with begun(stack, "kill -9 of Kafka, then of PostgreSQL; both restart") as run:

        async def faults(run: Run) -> None:
            for name in ("kafka", "postgres"):
                await asyncio.sleep(3.0)
                await run.kill(name)
                await run.stack.back(name)
                run.ledger.fault(f"{name} is back")

        verdict = await under_load(run, all_spots, 36.0, faults)
        accept_verdict(run, verdict, "test_kill_9_of_the_broker_and_of_postgresql")


async def test_ten_times_each_and_poison(stack: Stack, all_spots: Iterator[Spot]) -> None:
    async with begun(stack, "10x duplicates, poison mixed in and 300 in a row") as run:
        reports = Reports(run.ledger)

        async def faults(run: Run) -> None:
            await asyncio.sleep(9.0)
            bus = run.stack.oracle().bus
            known = await bus.read(run.since)
            again = [replace(each, partition=None) for each in known] * 9
            wells = {each.topic: each for each in known}
            for number, topic in enumerate(["submissions", "reports"] * 10):
                run.ledger.poison.extend(undecodable(wells[topic], number))
            mixed = [*again, *run.ledger.poison]
            run.ledger.rng("again").shuffle(mixed)
            refused = [poison_among(reports, number) for number in range(F21_TIMES)]
            row = in_a_row(wells["reports"])
            run.ledger.poison.extend(row)
            run.ledger.fault(f"{len(again)} records again, {len(run.ledger.poison)} poison")
            await bus.send(mixed[: len(mixed) // 2])
            await run.kill("intake")
            await run.kill("dispatch")
            for batch in refused:
                await bus.send(batch)
            run.ledger.fault(f"{F21_TIMES} x 200 events, of which SQL refuses the 100th")
            await bus.send([*row, *mixed[len(mixed) // 2 :]])
            run.ledger.fault("all of it is sent")

        verdict = await under_load(run, all_spots, 26.0, faults)
        accept_verdict(run, verdict, "test_ten_times_each_and_poison")


async def test_kill_9_of_everything_with_200_accepted_and_unsent(
    stack: Stack, all_spots: Iterator[Spot]
) -> None:
    async with begun(stack, "F19: broker down, 200 accepted, kill -9 of everything, up") as run:
        token = (await run.people.reporter()).token
        chosen = list(islice(all_spots, 200))
        await run.kill("kafka")
        load = Load(run.people, run.ledger, iter(()))
        posts = [
            load.post(token, "placed", (spot.lat, spot.lon), number)
            for number, spot in enumerate(chosen)
        ]
        await asyncio.gather(*posts)
        assert run.stack.up.process("kafka").state != "ready", "the broker came back too soon"
        await run.stack.kill_everything()
        run.ledger.fault("200 accepted; kill -9 of the supervisor and all its processes", kills=6)
        await asyncio.to_thread(run.stack.start)
        run.ledger.fault("up again")
        verdict = await run.stack.oracle().judge(run.ledger, run.since)
        queued = await in_queues(run.people, {spot.community for spot in chosen})
        for report in run.ledger.accepted.keys() - queued:
            verdict.breach("I1", f"{report} is in no queue")
        accept_verdict(run, verdict, "test_kill_9_of_everything_with_200_accepted_and_unsent")


async def in_queues(people: People, communities: set[str]) -> set[str]:
    """The ids of all reports in the queues of these communities, as their handlers see them."""
    found: set[str] = set()
    for community in sorted(communities):
        path: str | None = f"/v1/communities/{community}/queue?limit=200"
        while path is not None:
            _, page = await people.call("GET", path, people.handler_of(community))
            found |= {each["report_id"] for case in page["cases"] for each in case["reports"]}
            cursor = page.get("cursor")
            path = (
                f"/v1/communities/{community}/queue?limit=200&cursor={cursor}" if cursor else None
            )
    return found
