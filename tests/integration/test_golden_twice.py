"""Every golden example through every consumer, twice and with a forgetful inbox: same result."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.topics import consumed_by
from runtime.db import Database
from runtime.deadletters import Message
from runtime.effects import Effects, Outcome, Transactor
from tests.golden import Golden, examples
from tests.integration.product_set import SERVICES, Product, product, tables

OFFSETS = itertools.count()
SPAN = timedelta(days=9)
"""The examples tell of a month; the inbox remembers two weeks: their envelopes move together."""
BATCH = 7

each_service = pytest.mark.parametrize("service", SERVICES)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    path: Path = tmp_path_factory.mktemp("golden")
    with product(path / "data") as found:
        yield found


class Consumer:
    """A service's effects on its own schema, without Kafka."""

    def __init__(self, db: Database, effects: Sequence[Effects[Any]], names: list[str]) -> None:
        self._db = db
        self._workers = [(each.topics, Transactor(db, each)) for each in effects]
        self._tables = names

    async def hear(self, found: Sequence[Golden]) -> Outcome:
        """These examples in the order of their time, at offsets never seen before."""
        whole = Outcome()
        for topics, worker in self._workers:
            messages = [message(each) for each in found if each.topic in topics]
            for at in range(0, len(messages), BATCH):
                outcome = await worker.take(messages[at : at + BATCH])
                whole.applied += outcome.applied
                whole.duplicate += outcome.duplicate
                whole.dead += outcome.dead
        return whole

    async def snapshot(self, *without: str) -> dict[str, list[str]]:
        """Every row of every table as text."""
        return {
            name: [
                row["line"]
                for row in await self._db.fetch(f"select t::text as line from {name} t order by 1")
            ]
            for name in self._tables
            if name not in without
        }

    async def forget(self) -> None:
        """Empties the inbox: only business keys are left."""
        await self._db.execute("truncate inbox")


@pytest.fixture
async def consumer(installed: Product, service: str) -> AsyncIterator[Consumer]:
    plan = importlib.import_module(f"services.{service}.bootstrap").worker(
        installed.worker(service)
    )
    db = await Database.connect(plan.database_url, schema=service)
    try:
        yield Consumer(db, plan.effects, tables(plan.database_url))
    finally:
        if plan.close is not None:
            await plan.close()
        await db.close()


def told(service: str) -> list[Golden]:
    """What the service hears, in the order of time, moved into the last days."""
    found = examples(*(topic.name for topic in consumed_by(service)))
    found.sort(key=lambda each: (each.event().occurred_at, each.event().seq))
    first, last = found[0].event().occurred_at, found[-1].event().occurred_at
    start = datetime.now(UTC) - timedelta(days=10)
    scale = SPAN / (last - first)
    return [moved(each, start + (each.event().occurred_at - first) * scale) for each in found]


def moved(golden: Golden, at: datetime) -> Golden:
    """The same event with another time on its envelope."""
    headers = dict(golden.headers) | {"ce_time": at.isoformat().encode()}
    return dataclasses.replace(golden, headers=tuple(headers.items()))


def message(golden: Golden) -> Message:
    """As Kafka gives it, somewhere new."""
    return Message(golden.topic, 0, next(OFFSETS), golden.key, golden.headers, golden.wire)


@each_service
async def test_twice_is_once(consumer: Consumer, service: str) -> None:
    goldens = told(service)
    first = await consumer.hear(goldens)
    assert [letter.reason for letter in first.dead] == []
    assert len(first.applied) == len(goldens)
    once = await consumer.snapshot()
    assert any(once[name] for name in once if name not in {"inbox", "alembic_version"})

    again = await consumer.hear(goldens)
    assert len(again.duplicate) == len(goldens) and not again.applied and not again.dead
    assert await consumer.snapshot() == once

    await consumer.forget()
    anew = await consumer.hear(goldens)
    assert len(anew.applied) == len(goldens) and not anew.dead
    assert await consumer.snapshot("inbox") == {k: v for k, v in once.items() if k != "inbox"}
