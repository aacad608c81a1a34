"""Negative controls: the real guard and relay, broken in one place, under a fault that shows it.

Each scenario also runs with the real thing (`none`), and there the oracle finds nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice

import pytest

from tests.faults import gate, record
from tests.faults.bed import Bed, ended_after
from tests.faults.bus import Raw
from tests.faults.ledger import Ledger
from tests.faults.oracle import Oracle
from tests.faults.places import Spot
from tests.faults.reports import Reports
from tests.faults.scenes import pairs_at_once, poison_among, until_async

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]
PATIENCE_S = 60.0
LONGER_THAN_A_COMMIT_INTERVAL_S = 2.5
WAVE = 10
EVERY_S = 0.8

Scene = Callable[["Trial"], Awaitable[None]]


class Trial:
    """One mutant on the bed."""

    def __init__(self, bed: Bed, mutant: str, ledger: Ledger, spots: Iterator[Spot]) -> None:
        self.bed = bed
        self.mutant = mutant
        self.ledger = ledger
        self.spots = spots
        self.oracle: Oracle = bed.oracle(tally=True)
        self.reports = Reports(ledger)

    def some(self, count: int) -> list[Raw]:
        """New reports of as many matters."""
        return [self.reports.at(each.lat, each.lon) for each in islice(self.spots, count)]


async def crash_before_commit(trial: Trial) -> None:
    """The batch's transaction waits at its end; worker and session die there."""
    worker = trial.bed.dispatch(trial.mutant)
    await worker.start()
    async with gate.closed(trial.oracle) as held:
        await trial.oracle.bus.send(trial.some(60))
        await until_async(held.waiting, PATIENCE_S)
        trial.ledger.fault("transaction held at its commit")
        began = time.monotonic()
        while time.monotonic() - began < LONGER_THAN_A_COMMIT_INTERVAL_S:
            await asyncio.sleep(0.1)
        worker.kill()
        trial.ledger.fault("kill -9 dispatch", kills=1)
        await held.roll_back()
    await trial.bed.dispatch(trial.mutant).start()


async def crash_before_send(trial: Trial) -> None:
    """The broker is frozen when the relay wants to send; then the worker dies."""
    worker = trial.bed.dispatch(trial.mutant)
    await worker.start()
    try:
        async with gate.closed(trial.oracle) as held:
            await trial.oracle.bus.send(trial.some(30))
            await until_async(held.waiting, PATIENCE_S)
            trial.bed.kafka.pause()
            trial.ledger.fault("SIGSTOP kafka")
        began = time.monotonic()
        while time.monotonic() - began < LONGER_THAN_A_COMMIT_INTERVAL_S:
            await asyncio.sleep(0.1)
        worker.kill()
        trial.ledger.fault("kill -9 dispatch", kills=1)
    finally:
        trial.bed.kafka.resume()
    await trial.bed.dispatch(trial.mutant).start()


async def ten_times_each(trial: Trial) -> None:
    """Every record ten times, shuffled."""
    await trial.bed.dispatch(trial.mutant).start()
    once = trial.some(100)
    await trial.oracle.bus.send(once)
    again = once * 9
    trial.ledger.rng("again").shuffle(again)
    trial.ledger.fault(f"{len(again)} records again, shuffled")
    await trial.oracle.bus.send(again)


async def one_that_sql_refuses(trial: Trial) -> None:
    """F21: the 100th of 200."""
    await trial.oracle.bus.send(poison_among(trial.reports, 0))
    trial.ledger.fault("one of 200 events is refused by SQL")
    await trial.bed.dispatch(trial.mutant).start()


async def pairs_across_borders(trial: Trial) -> None:
    """F22, with transactions that take a little longer."""
    await asyncio.gather(*(trial.bed.dispatch(trial.mutant, slot).start() for slot in (0, 1)))
    members: list[list[int]] = []

    async def two_members() -> bool:
        members[:] = await trial.oracle.bus.members("dispatch", "reports")
        return len(members) == 2 and all(members)

    await until_async(two_members, PATIENCE_S)
    async with gate.dawdling(trial.oracle):
        times = 1 if trial.mutant != "none" else 3
        records = pairs_at_once(trial.reports, trial.ledger, 50 * times, members)
        for first in range(0, len(records), WAVE):
            await trial.oracle.bus.send(records[first : first + WAVE])
            await asyncio.sleep(EVERY_S)
        trial.ledger.fault(f"{times} x 50 pairs 5 m apart, each through two workers")
        await trial.oracle.settle()


SCENES: dict[str, Scene] = {
    "ack before commit": crash_before_commit,
    "publish before commit": crash_before_commit,
    "mark before send": crash_before_send,
    "no inbox": ten_times_each,
    "naive agent": ten_times_each,
    "no bisect": one_that_sql_refuses,
    "no lock on duplicates": pairs_across_borders,
}
CONTROLS = tuple(dict.fromkeys(SCENES.values()))


@pytest.mark.parametrize("mutant", SCENES)
async def test_the_oracle_reports(bed: Bed, all_spots: Iterator[Spot], mutant: str) -> None:
    with ended_after(bed):
        trial = Trial(bed, mutant, Ledger(mutant), all_spots)
        print(f"\n  mutant {mutant}", flush=True)
        since = await trial.oracle.begin()
        await SCENES[mutant](trial)
        verdict = await trial.oracle.caught(trial.ledger, since)
        test = f"'tests/faults/test_mutants.py::test_the_oracle_reports[{mutant}]'"
        record.keep(trial.ledger, verdict, test, caught=True)
        await trial.oracle.settle()  # for whoever comes next
    assert verdict.breaches, f"the oracle did not see: {mutant}"


@pytest.mark.parametrize("scene", CONTROLS, ids=lambda scene: scene.__name__)
async def test_the_real_thing_stands(bed: Bed, all_spots: Iterator[Spot], scene: Scene) -> None:
    with ended_after(bed):
        name = scene.__name__.replace("_", " ")
        trial = Trial(bed, "none", Ledger(f"control: {name}"), all_spots)
        print(f"\n  control: {name}", flush=True)
        since = await trial.oracle.begin()
        await scene(trial)
        verdict = await trial.oracle.judge(trial.ledger, since)
    test = f"'tests/faults/test_mutants.py::test_the_real_thing_stands[{scene.__name__}]'"
    record.keep(trial.ledger, verdict, test)
    assert not verdict.breaches, verdict.told()
