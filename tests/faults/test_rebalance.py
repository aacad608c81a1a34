"""Members come and go while a few events lie in half-full batches, and no more events come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.faults import record
from tests.faults.bed import Bed, ended_after
from tests.faults.ledger import Ledger
from tests.faults.places import Spot
from tests.faults.reports import Reports

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]
ROUNDS = 3
HANDFUL = 7
EVERY_S = 0.15
HERE = "tests/faults/test_rebalance.py"


async def test_a_half_full_batch_in_a_rebalance_on_an_idle_topic(
    bed: Bed, all_spots: Iterator[Spot]
) -> None:
    ledger = Ledger("rebalance with half-full batches on an idle topic")
    print(f"\n  {ledger.name}: seed {ledger.seed}", flush=True)
    with ended_after(bed):
        oracle, reports = bed.oracle(), Reports(ledger)
        since = await oracle.begin()
        await bed.dispatch().start()
        for number in range(1, ROUNDS + 1):
            newcomer = bed.dispatch(None, number)
            joining = asyncio.create_task(newcomer.start())
            ledger.fault(f"worker {number} joins")
            await handfuls_while(joining, bed, reports, all_spots)
            await came_in(bed, ledger)
            newcomer.kill()
            ledger.fault(f"kill -9 worker {number}", kills=1)
        verdict = await oracle.judge(ledger, since)
    record.keep(ledger, verdict, f"{HERE}::test_a_half_full_batch_in_a_rebalance_on_an_idle_topic")
    assert not verdict.breaches, verdict.told()


async def handfuls_while(
    joining: asyncio.Task[None], bed: Bed, reports: Reports, spots: Iterator[Spot]
) -> None:
    """A few events again and again; the last ones as the newcomer calls itself ready."""
    last = False
    while not last:
        last = joining.done()
        handful = [reports.at(each.lat, each.lon) for each in islice(spots, HANDFUL)]
        await bed.oracle().bus.send(handful)
        await asyncio.wait({joining}, timeout=EVERY_S)
    await joining


async def came_in(bed: Bed, ledger: Ledger) -> None:
    """All of them have their effect although nothing more comes."""
    query = "select count(*) as n from dispatch.case_reports where reporter_id = any ($1)"
    deadline = time.monotonic() + 30.0
    while True:
        n = (await bed.oracle().sql(query, sorted(ledger.reporters)))[0]["n"]
        if n == len(ledger.accepted):
            return
        assert time.monotonic() < deadline, f"{len(ledger.accepted) - n} events are stranded"
        await asyncio.sleep(0.1)
