"""Two dispatch workers, killed at random while cases live and clocks run out; some minutes long.

Marked `long`, so not of `make test`: `.venv/bin/python -m tests.faults.record -k two_workers`.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from cities.folder import city_folder
from tests.faults import record
from tests.faults.bed import SERVICES, Bed, Process, ended_after
from tests.faults.clients import People
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.oracle import Oracle
from tests.faults.places import CATEGORY, Spot
from tests.faults.verdict import Verdict

pytestmark = [pytest.mark.fault, pytest.mark.long, pytest.mark.timeout(900)]
HERE = "tests/faults/test_two_workers.py"
LOAD_S = 60.0
REPORTS_PER_S = 60.0
LIVES = 0.38
"""Of what is drawn: 20 a second, since some of it is two reports."""
FEWEST_LIVES_PER_S = 20.0
FEWEST_LEFT_ALONE = 1000
LEFT_ALONE = "06010"
"""Nobody works on these, so that their clocks run out."""
KILL_EVERY_S = (3.0, 9.0)
CLOCKS = ("CaseWarned", "CaseEscalated", "CaseEscalated")
"""After 45, 60 and 120 s."""
FIRED_S = 420.0
_FIRED = """
select c.id::text as id, coalesce(array_agg(e.type order by e.seq) filter (
    where e.type in ('CaseWarned', 'CaseOverdue', 'CaseEscalated')), '{}') as fired
from dispatch.cases c join dispatch.case_events e on e.case_id = c.id
where c.state = 'assigned' and c.category = $1
group by c.id
"""


def hasty_city(folder: Path) -> Path:
    """Xi'an, where what is left alone is warned of after 45 s and watched after 60 and 120 s."""
    city = shutil.copytree(city_folder("xian"), folder)
    with changed(city / "city.yaml") as rules:
        rules["milestones"]["warn_at"] = 0.0125
        street, district = rules["escalation"]
        street["after_min"], district["after_min"] = 0, 1
    with changed(city / "categories.yaml") as told:
        deadlines = {each["code"]: each["deadline"] for each in told["categories"]}
        deadlines[LEFT_ALONE] |= {"accept_minutes": 1, "resolve_hours": 1, "window": None}
        deadlines[CATEGORY] |= {"resolve_hours": 72, "window": None}
    return city


@contextmanager
def changed(file: Path) -> Iterator[dict[str, Any]]:
    """What a YAML file says, written back as it was left."""
    content = yaml.safe_load(file.read_text())
    yield content
    file.write_text(yaml.safe_dump(content, allow_unicode=True))


@asynccontextmanager
async def running(bed: Bed) -> AsyncIterator[list[Process]]:
    """The whole product; the two dispatch workers."""
    with ended_after(bed):
        two = [bed.dispatch(None, slot) for slot in (0, 1)]
        others = [bed.worker(each) for each in SERVICES if each != "dispatch"]
        for process in (edge := bed.edge(), *others, *two):
            process.launch()
        for process in (edge, *others, *two):
            await process.until_ready()
        yield two


async def killing(two: list[Process], ledger: Ledger, end: asyncio.Event) -> None:
    """Either of the two at a time, at random; whoever is dead comes back at once."""
    rng = ledger.rng("kills")
    while not end.is_set():
        worker = rng.choice(two)
        worker.kill()
        ledger.fault(f"kill -9 {worker.name}", kills=1)
        worker.launch()
        try:
            async with asyncio.timeout(rng.uniform(*KILL_EVERY_S)):
                await end.wait()
        except TimeoutError:
            continue


async def all_fired(oracle: Oracle) -> None:
    """Until each case that was left alone has said enough, or the time is up."""
    deadline = time.monotonic() + FIRED_S
    while True:
        rows = await oracle.sql(_FIRED, LEFT_ALONE)
        enough = rows and all(len(row["fired"]) >= len(CLOCKS) for row in rows)
        if enough or time.monotonic() > deadline:
            return
        await asyncio.sleep(1)


def judge_clocks(verdict: Verdict, rows: list[Any]) -> None:
    """I2: every clock once, in order."""
    for row in rows:
        if tuple(row["fired"]) != CLOCKS:
            verdict.breach("I2", f"clocks of {row['id']}: {row['fired']}")
    verdict.counts["left alone"] = len(rows)
    verdict.counts["clocks fired"] = sum(len(row["fired"]) for row in rows)


async def test_two_workers_killed_at_random(tmp_path: Path, all_spots: Iterator[Spot]) -> None:
    ledger = Ledger("two dispatch workers killed at random, 60 reports/s, 20 lives/s, clocks")
    print(f"\n  {ledger.name}: seed {ledger.seed}", flush=True)
    bed = Bed(tmp_path / "data", str(hasty_city(tmp_path / "city")))
    try:
        await bed.start()
        async with running(bed) as two:
            oracle = bed.oracle(SERVICES)
            since, end = await oracle.begin(), asyncio.Event()
            async with People(bed.place.url, bed.data.secrets.signing_key_file, ledger) as people:
                load = Load(people, ledger, all_spots, lives=LIVES, left_alone=LEFT_ALONE)
                killer = asyncio.create_task(killing(two, ledger, end))
                await load.run(LOAD_S, REPORTS_PER_S)
                ledger.fault(f"the last of {ledger.closed} lives has ended")
                await all_fired(oracle)
                ledger.fault("the clocks have fired")
                end.set()
                await killer
            verdict = await oracle.judge(ledger, since)
            judge_clocks(verdict, await oracle.sql(_FIRED, LEFT_ALONE))
    finally:
        bed.stop()
    record.keep(ledger, verdict, f"{HERE}::test_two_workers_killed_at_random")
    assert len(ledger.accepted) >= 0.95 * LOAD_S * REPORTS_PER_S
    assert ledger.closed >= FEWEST_LIVES_PER_S * LOAD_S
    assert verdict.counts["left alone"] >= FEWEST_LEFT_ALONE
    assert not verdict.breaches, verdict.told()
