"""The load: reports at a steady rate whatever happens, and cases played to their end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from services.dispatch.domain.opening import case_id_of
from tests.faults.clients import PATIENCE_S, People, Reporter
from tests.faults.ledger import Kind, Ledger, Life, Sent
from tests.faults.places import CATEGORY, OUTSIDE, Spot

RATE_PER_S = 66.0
MOST_OPEN = 300
REPORTERS = 4
"""Two are registered from the beginning, the third from the middle on, the last one never."""
LIVES = 0.18
"""The share of the load that is played from a report to a closed case."""
TWIN, REOPENED = 0.2, 0.1
"""Shares of the lives that somebody joins, and that go on after their end."""


@dataclass(frozen=True)
class Plot:
    """How a life is played."""

    first: Reporter
    twin: Reporter | None
    confirmed: bool
    reopened: bool

    def timeline(self) -> tuple[str, ...]:
        """Its facts in order."""
        return (
            "CaseOpened",
            "CaseAssigned",
            *(("ReportJoined",) if self.twin is not None else ()),
            "CaseAccepted",
            "CaseStarted",
            "CaseResolved",
            *(("CaseConfirmed",) if self.confirmed else ()),
            "CaseVerified",
            "CaseClosed",
            *(("CaseReopened",) if self.reopened else ()),
        )


class Load:
    """Open loop: a report that waits for its answer does not hold up the next one."""

    def __init__(
        self,
        people: People,
        ledger: Ledger,
        spots: Iterator[Spot],
        *,
        lives: float = LIVES,
        left_alone: str = CATEGORY,
    ) -> None:
        """`left_alone`: the category of what nobody works on."""
        self._lives = lives
        self._left_alone = left_alone
        self._people = people
        self._ledger = ledger
        self._spots = spots
        self._rng = ledger.rng("load")
        self._open = asyncio.Semaphore(MOST_OPEN)
        self._matter = 0
        self._work: set[asyncio.Task[None]] = set()
        self.seconds = 0.0

    async def run(self, seconds: float, rate_per_s: float = RATE_PER_S) -> None:
        """Sends for that long, then waits until every answer and every life has come."""
        people = self._people
        self._reporters = [await people.reporter() for _ in range(REPORTERS)]
        for reporter in self._reporters[:2]:
            await people.register(reporter, next(self._spots).community)
        await people.after_photo()
        began = time.monotonic()
        due = began
        self._start(self._register_later(seconds / 2))
        while due < began + seconds:
            if (early_s := due - time.monotonic()) > 0:
                await asyncio.sleep(early_s)
            due += self._next() / rate_per_s
        self.seconds = time.monotonic() - began
        while self._work:
            await asyncio.wait(self._work)
            done = {task for task in self._work if task.done()}
            self._work -= done
            for task in done:
                task.result()

    def _next(self) -> int:
        """Starts what comes next; how many reports it is."""
        reporter = self._rng.choice(self._reporters)
        token = reporter.token
        draw = self._rng.random()
        if draw < 0.03:
            self._start(self._report(token, "outside", OUTSIDE))
        elif draw < 0.07:
            self._start(self._placeless(token, answered=draw < 0.05))
        else:
            spot = next(self._spots)
            self._matter += 1
            at = (spot.lat, spot.lon)
            if draw < 0.12:
                other = self._rng.choice(self._reporters).token
                self._start(self._report(token, "placed", at, self._matter))
                twin = spot.beside(north_m=self._rng.uniform(-8, 8))
                self._start(self._report(other, "placed", twin, self._matter))
                return 2
            if draw < 0.12 + self._lives:
                return self._whole_life(reporter, spot, confirmed=draw < 0.12 + self._lives / 2)
            elif draw < 0.14 + self._lives:
                self._start(self._taken_back(token, at, self._matter))
            else:
                self._start(self._report(token, "placed", at, self._matter))
        return 1

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._work.discard(task)

    async def _report(
        self, token: str, kind: Kind, at: tuple[float, float], matter: int | None = None
    ) -> None:
        await self.post(token, kind, at, matter)

    async def post(
        self,
        token: str,
        kind: Kind,
        at: tuple[float, float] | None,
        matter: int | None = None,
        category: str | None = None,
    ) -> str:
        """Until it is accepted; the report's id."""
        category = category or self._left_alone
        body: dict[str, object] = {"text": "垃圾桶满了，没人收", "category": category}
        if at is not None:
            body["place"] = {"lat": at[0], "lon": at[1]}
        async with self._open:
            _, given = await self._people.call("POST", "/v1/reports", token, body)
        report_id = str(given["id"])
        assert report_id not in self._ledger.accepted, "two requests got one report"
        self._ledger.accepted[report_id] = Sent(report_id, kind, matter)
        return report_id

    async def _placeless(self, token: str, *, answered: bool) -> None:
        report_id = await self.post(token, "answered" if answered else "placeless", None)
        if answered:
            spot = next(self._spots)
            body = {"lat": spot.lat, "lon": spot.lon}
            path = f"/v1/reports/{report_id}/place"
            await self._people.call("POST", path, token, body, wait=(409,))

    async def _taken_back(self, token: str, at: tuple[float, float], matter: int) -> None:
        report_id = await self.post(token, "placed", at, matter)
        path = f"/v1/cases/{case_id_of(report_id)}/withdraw"
        await self._people.call("POST", path, token, {}, wait=(404,))
        self._ledger.withdrawn.add(report_id)

    def _whole_life(self, reporter: Reporter, spot: Spot, *, confirmed: bool) -> int:
        others = [each for each in self._reporters if each != reporter]
        twin = self._rng.choice(others) if self._rng.random() < TWIN else None
        plot = Plot(reporter, twin, confirmed, reopened=self._rng.random() < REOPENED)
        self._start(self._life(plot, spot, self._matter))
        return 1 if twin is None else 2

    async def _life(self, plot: Plot, spot: Spot, matter: int) -> None:
        people, first = self._people, plot.first
        at = spot.lat, spot.lon
        report_id = await self.post(first.token, "placed", at, matter, CATEGORY)
        case_id = case_id_of(report_id)
        path = f"/v1/cases/{case_id}"
        _, case = await people.call("GET", path, people.operator, wait=(404,))
        if plot.twin is not None:
            beside = spot.beside(north_m=4.0)
            await self.post(plot.twin.token, "placed", beside, matter, CATEGORY)
            case = await self._joined(path)
        handler = people.handler_of(case["community"])
        for action in ("accept", "start", "resolve"):
            body: dict[str, Any] = {"revision": case["revision"]}
            if action == "resolve":
                body["media"] = [await people.after_photo()]
            _, case = await people.call("POST", f"{path}/{action}", handler, body)
        if plot.confirmed:
            _, case = await people.call("POST", f"{path}/confirm", first.token, {})
        else:
            body = {"revision": case["revision"]}
            _, case = await people.call("POST", f"{path}/verify", people.operator, body)
        assert case["state"] == "closed", case["state"]
        if plot.reopened:
            await people.call("POST", f"{path}/reopen", first.token, {})
        joined = () if plot.twin is None else (plot.twin.id,)
        self._ledger.lives.append(Life(case_id, first.id, joined, plot.reopened))
        self._ledger.timelines[case_id] = plot.timeline()

    async def _joined(self, path: str) -> dict[str, Any]:
        """The case once it has two reports."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            _, case = await self._people.call("GET", path, self._people.operator)
            if len(case["reports"]) == 2:
                return case
            await asyncio.sleep(0.2)
        raise AssertionError(f"nobody joined {path}")

    async def _register_later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._people.register(self._reporters[2], next(self._spots).community)
