"""F20: between commit and publish, and between two commits: once each, in the case's order."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from pathlib import Path

import pytest

from services.dispatch.domain.opening import case_id_of
from tests.faults import gate, record
from tests.faults.bed import Bed, Process, ended_after
from tests.faults.bus import Offsets, Raw
from tests.faults.clients import People
from tests.faults.evidence import Evidence
from tests.faults.ledger import Ledger
from tests.faults.oracle import Oracle
from tests.faults.places import Spot
from tests.faults.reports import Reports
from tests.faults.scenes import until_async
from tests.faults.stack import until
from tests.faults.stream import Followed, following
from tests.faults.verdict import Verdict

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]
HERE = "tests/faults/test_races.py"
CASES = 5
HELD = 3
ROUNDS = 4
HELD_S = 2.0
PATIENCE_S = 60.0


class Race:
    """Some cases in their communities' queues, followed live."""

    def __init__(self, bed: Bed, ledger: Ledger, people: People) -> None:
        self.bed = bed
        self.ledger = ledger
        self.people = people
        self.oracle: Oracle = bed.oracle()
        self.reports = Reports(ledger)
        self.since: Offsets = {}
        self.spots: dict[str, Spot] = {}
        self._matters: dict[str, int] = {}
        self.streams: list[tuple[Followed, int]] = []

    async def open_cases(
        self, streams: AsyncExitStack, spots: Iterator[Spot], count: int
    ) -> list[str]:
        """New cases with an owner, seen by the streams from their beginning; their ids."""
        chosen = list(islice(spots, count))
        await self._follow(streams, chosen)
        records = [self.reports.at(each.lat, each.lon) for each in chosen]
        ids = [case_id_of(record.header("ce_subject")) for record in records]
        self.spots |= dict(zip(ids, chosen, strict=True))
        for case, sent in zip(ids, records, strict=True):
            matter = self.ledger.accepted[sent.header("ce_subject")].matter
            self._matters[case] = matter or 0
        await self.oracle.bus.send(records)
        for case in ids:
            await self.people.call("GET", f"/v1/cases/{case}", self.people.operator, wait=(404,))
        return ids

    def twin(self, case: str) -> Raw:
        """One more report of the same matter."""
        return self.reports.at(*self.spots[case].beside(north_m=4.0), matter=self._matters[case])

    async def nothing_unsent(self) -> bool:
        """All that is committed is on its topic."""
        query = "select count(*) as n from dispatch.outbox where sent_at is null"
        return bool((await self.oracle.sql(query))[0]["n"] == 0)

    async def came_in(self, cases: list[str], reports: int) -> bool:
        """Each case has that many reports."""
        query = "select report_count from dispatch.cases where id::text = any ($1)"
        rows = await self.oracle.sql(query, cases)
        return all(row["report_count"] == reports for row in rows)

    async def act(self, case: str, action: str) -> None:
        """The handler does it, on the case as it is now."""
        handler = self.people.handler_of(self.spots[case].community)
        _, seen = await self.people.call("GET", f"/v1/cases/{case}", handler)
        body = {"note": "看到了"} if action == "comment" else {"revision": seen["revision"]}
        await self.people.call("POST", f"/v1/cases/{case}/{action}", handler, body)

    async def _follow(self, streams: AsyncExitStack, spots: list[Spot]) -> None:
        """Opens the streams of these spots' communities, from the head of each."""
        for community in sorted({spot.community for spot in spots}):
            if any(followed.community == community for followed, _ in self.streams):
                continue
            rows = await self.oracle.sql(
                "select last_no from dispatch.feed_heads where feed = $1", f"community:{community}"
            )
            after = rows[0]["last_no"] if rows else 0
            stream = following(self.people, self.bed.place.url, community, after)
            self.streams.append((await streams.enter_async_context(stream), after))

    async def judge(self) -> Verdict:
        """The oracle's verdict, and that of the streams."""
        verdict = await self.oracle.judge(self.ledger, self.since)
        evidence = Evidence.of(await self.oracle.bus.read(self.since), self.ledger)
        deadline = time.monotonic() + 10.0
        for followed, after in self.streams:
            events = [
                event
                for found in evidence.cases.values()
                for event in found
                if json.loads(event.value or b"")["case"].get("community") == followed.community
            ]
            while (wrong := followed.faults(events, after)) and time.monotonic() < deadline:
                await asyncio.sleep(0.1)
            for each in wrong:
                verdict.breach("I2", f"stream {followed.community}: {each}")
        return verdict


@asynccontextmanager
async def race(bed: Bed, name: str) -> AsyncIterator[Race]:
    """With an edge; dispatch's workers are the race's own."""
    ledger = Ledger(name)
    print(f"\n  {name}: seed {ledger.seed}", flush=True)
    with ended_after(bed):
        async with People(bed.place.url, bed.data.secrets.signing_key_file, ledger) as people:
            found = Race(bed, ledger, people)
            found.since = await found.oracle.begin()
            yield found


def is_stopped(process: Process) -> bool:
    """Whether the kernel has it stopped (state T)."""
    stat = Path(f"/proc/{process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


async def test_frozen_between_commit_and_publish(
    bed: Bed, all_spots: Iterator[Spot], tmp_path: Path
) -> None:
    async with race(bed, "F20: SIGSTOP between commit and publish, others act") as run:
        told = tmp_path / "freeze"
        more = {"YIZHAN_FAULT_FREEZE": str(told)}
        workers = [bed.dispatch("frozen before publish", slot, more) for slot in (0, 1)]
        await asyncio.gather(*(each.start() for each in (*workers, bed.edge())))
        async with AsyncExitStack() as streams:
            for _ in range(ROUNDS):
                cases = await run.open_cases(streams, all_spots, CASES)
                await frozen_once(run, cases, workers, told)
            verdict = await run.judge()
        assert all(each.alive() for each in workers), "a frozen relay is deposed, it does not end"
    record.keep(run.ledger, verdict, f"{HERE}::test_frozen_between_commit_and_publish")
    assert not verdict.breaches, verdict.told()


async def frozen_once(run: Race, cases: list[str], workers: list[Process], told: Path) -> None:
    """The leading relay stops with joins in its hand; handlers accept; the other one takes over."""
    await until_async(run.nothing_unsent, PATIENCE_S)
    told.touch()
    await run.oracle.bus.send([run.twin(case) for case in cases])
    await until(lambda: any(is_stopped(each) for each in workers), PATIENCE_S)
    (frozen,) = (each for each in workers if is_stopped(each))
    run.ledger.fault("SIGSTOP between commit and publish")
    await asyncio.gather(*(run.act(case, "accept") for case in cases))
    await until_async(run.nothing_unsent, PATIENCE_S)
    frozen.thaw()
    run.ledger.fault("SIGCONT: sends again what it had in its hand")
    await until_async(lambda: run.came_in(cases, 2), PATIENCE_S)


async def test_a_transaction_held_open_while_later_ones_commit(
    bed: Bed, all_spots: Iterator[Spot]
) -> None:
    async with race(bed, "F20: a transaction open for 2 s, later ones commit") as run:
        await asyncio.gather(bed.dispatch().start(), bed.edge().start())
        async with AsyncExitStack() as streams:
            for _ in range(ROUNDS):
                held = await run.open_cases(streams, all_spots, HELD)
                free = await run.open_cases(streams, all_spots, HELD)
                await held_once(run, held, free)
            verdict = await run.judge()
    record.keep(
        run.ledger, verdict, f"{HERE}::test_a_transaction_held_open_while_later_ones_commit"
    )
    assert not verdict.breaches, verdict.told()


async def held_once(run: Race, held: list[str], free: list[str]) -> None:
    """Cases are accepted but not committed; remarks on them wait; other cases pass them by."""
    async with gate.closed(run.oracle, held) as door:
        accepting = [asyncio.create_task(run.act(case, "accept")) for case in held]

        async def all_held() -> bool:
            return len(await door.waiting()) == len(held)

        await until_async(all_held, PATIENCE_S)
        began = time.monotonic()
        run.ledger.fault(f"{len(held)} transactions open")
        behind = [asyncio.create_task(run.act(case, "comment")) for case in held]
        await asyncio.gather(*(run.act(case, "accept") for case in free))
        await until_async(run.nothing_unsent, PATIENCE_S)
        while time.monotonic() - began < HELD_S:
            await asyncio.sleep(0.05)
        assert not any(each.done() for each in (*accepting, *behind))
    await asyncio.gather(*accepting, *behind)
    run.ledger.fault("committed")
