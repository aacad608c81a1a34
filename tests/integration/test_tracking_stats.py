"""Figures that are moved on by what changed say what figures read anew say."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from contracts.cases import Case, CaseClocks
from runtime.db import Database
from services.tracking.adapters import case_sql, stats_sql
from services.tracking.adapters.stats_sql import Stats
from services.tracking.domain.figures import Figures, Sums
from tests.integration.service_set import Environment
from tests.integration.tracking_set import Tracking, case_with, installation, opened, submitted

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime.now(UTC)
DAYS = (NOW.date() - timedelta(days=20), NOW.date() + timedelta(days=1))
ALL = (*DAYS, None, None)
STATES = ("opened", "assigned", "accepted", "suspended", "resolved", "closed", "refused")


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("tracking")
    with installation(path / "data") as told:
        yield told


@pytest.fixture
async def tracking(env: Environment) -> AsyncIterator[Tracking]:
    async with opened(env) as found:
        await found.empty()
        yield found


class Changing:
    """Cases of which some change at a time, each in a transaction that stays open for a while."""

    def __init__(self, db: Database, seed: int) -> None:
        self.db = db
        self.chance = random.Random(seed)
        self.cases: list[Case] = []

    async def some_change(self) -> None:
        """Ten cases that are not the same, five of them new perhaps."""
        for _ in range(self.chance.randrange(6)):
            opened_at = NOW - timedelta(days=self.chance.random() * 30)
            self.cases.append(case_with(submitted("r"), seq=0, opened_at=opened_at))
        numbers = self.chance.sample(range(len(self.cases)), min(10, len(self.cases)))
        for number in numbers:
            self.cases[number] = self._changed(self.cases[number])
        await asyncio.gather(*(self._save(self.cases[each]) for each in numbers))

    def _changed(self, case: Case) -> Case:
        chance = self.chance
        due = NOW + timedelta(seconds=chance.uniform(-90_000, 90_000))
        done = case.opened_at + timedelta(hours=chance.uniform(0, 200))
        return replace(
            case,
            seq=case.seq + 1,
            state=chance.choice(STATES),
            community=chance.choice((None, "610113002004", "610113002005")),
            category=chance.choice((None, "06042", "01037")),
            clocks=CaseClocks(accept_by=due, resolve_by=due),
            accepted_at=chance.choice((None, done)),
            resolved_at=chance.choice((None, done)),
        )

    async def _save(self, case: Case) -> None:
        wait_s = self.chance.random() * 0.02
        async with self.db.transaction() as connection:
            await case_sql.save(connection, {case.id: case}, ZONE)
            await asyncio.sleep(wait_s)


async def test_what_changes_meanwhile_is_counted_once(tracking: Tracking) -> None:
    db, stats = tracking.context.db, Stats()
    changing = Changing(db, seed=1)
    now, moved_on = NOW, tuple[Sums, ...]()
    for _ in range(20):
        change = asyncio.create_task(changing.some_change())
        while not change.done():
            await stats.figures(db, ALL, now)
            await asyncio.sleep(0.002)
        await change
        now += timedelta(hours=2)
        moved_on = shown(await stats.figures(db, ALL, now))
        assert moved_on == shown(await Stats().figures(db, ALL, now))
        assert moved_on[0].cases == await cases_of(db, DAYS)
    assert moved_on[0].overdue > 0 and moved_on[0].accepted > 0


async def test_figures_of_one_community_are_its_own(tracking: Tracking) -> None:
    db, stats = tracking.context.db, Stats()
    changing = Changing(db, seed=2)
    for _ in range(5):
        await changing.some_change()
        everything = await stats.figures(db, ALL, NOW)
        code = "610113002004"
        one = await stats.figures(db, (*DAYS, code, None), NOW)
        assert one.total == everything.by_community.get(code, Sums())
        bins = await stats.figures(db, (*DAYS, None, "06042"), NOW)
        assert bins.total == everything.by_category.get("06042", Sums())


@pytest.mark.parametrize("limit", ["MOST_APART", "MOST_AGE"])
async def test_old_figures_are_read_anew(
    tracking: Tracking, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    db, stats = tracking.context.db, Stats()
    changing = Changing(db, seed=3)
    await changing.some_change()
    await stats.figures(db, ALL, NOW)
    await changing.some_change()
    await tracking.sql("update case_changes set at = at - interval '11 minutes'")
    assert await stats_sql.forget(db) > 0
    monkeypatch.setattr(stats_sql, limit, timedelta())
    found = await stats.figures(db, ALL, NOW)
    assert found.total.cases == await cases_of(db, DAYS)


async def test_changes_of_a_dump_count_nothing(tracking: Tracking) -> None:
    """A database that was restored knows transactions that its new server has not made yet."""
    db, stats = tracking.context.db, Stats()
    await Changing(db, seed=4).some_change()
    before = shown(await stats.figures(db, ALL, NOW))
    await tracking.sql("update case_changes set made = (made::text::bigint + 1000)::text::xid8")
    assert shown(await stats.figures(db, ALL, NOW)) == before


async def test_figures_that_are_kept_are_few(tracking: Tracking) -> None:
    db, stats = tracking.context.db, Stats()
    for back in range(stats_sql.MOST_KEPT + 3):
        await stats.figures(db, (DAYS[0] - timedelta(days=back), DAYS[1], None, None), NOW)
    assert len(stats._kept) == stats_sql.MOST_KEPT


def shown(found: Figures) -> tuple[Sums, ...]:
    """All sums that stand for a case, in order."""
    levels: tuple[Mapping[Any, Sums], ...]
    levels = (found.by_community, found.by_category, found.by_day)
    some = (sums for level in levels for _, sums in sorted(level.items()) if sums.cases)
    return tuple(replace(each) for each in (found.total, *some))


async def cases_of(db: Database, days: tuple[date, date]) -> int:
    """Counted from the cases themselves."""
    return int(await db.fetchval("select count(*) from cases where day between $1 and $2", *days))
