"""Every golden example through every consumer of its topic: what comes twice changes nothing."""

from __future__ import annotations

import importlib
import itertools
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from contracts.facts import Event
from contracts.topics import consumed_by
from runtime.db import Database
from runtime.deadletters import Message
from runtime.effects import Outcome, Transactor
from runtime.inbox import day_of
from runtime.worker import WorkerPlan
from tests.golden import Golden, examples
from tests.integration.whole_set import installation
from yizhan.environment import Installation, present_services

PLUMBING = frozenset(
    {
        *("inbox", "outbox", "feed", "feed_heads", "relay_heartbeat", "dead_letters", "halts"),
        *("dead_letter_attempts", "idempotency_keys", "jobs"),
    }
)
CONVERGE = ("tracking",)
"""Consumers to whom the order of events of different subjects and topics means nothing."""

SEEDS = (1, 2, 3)
Snapshot = dict[str, list[str]]
Batches = list[list[Golden]]
each_service = pytest.mark.parametrize("service", present_services())


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("golden")) as found:
        yield found


TOLD = {
    "case_changes": """(
        select day, community, category, state, resolve_by, accept_us, resolve_us, late, sum(sign)
        from case_changes group by 1, 2, 3, 4, 5, 6, 7, 8 having sum(sign) <> 0)"""
}
"""Of a table that is a log, what it comes to."""


class Consumer:
    """A service's effects on its schema, fed as its guard would."""

    def __init__(self, service: str, db: Database, plan: WorkerPlan) -> None:
        self.examples = in_order(examples(*(topic.name for topic in consumed_by(service))))
        self._db = db
        self._plan = plan
        self._now = self.examples[0].event().occurred_at
        self._offsets = itertools.count()

    async def empty(self) -> None:
        """As on the first day, with partitions for the days of the examples."""
        tables = ", ".join(await self._tables())
        await self._db.execute(f"truncate {tables}")
        days = [day_of(each.event()) for each in self.examples]
        await self._db.execute("select make_partitions($1::date, $2::date)", min(days), max(days))

    async def forget(self, *tables: str) -> None:
        """As if these had never been written."""
        await self._db.execute(f"truncate {', '.join(tables)}")

    async def give(self, batches: Batches) -> Outcome:
        """What becomes of all these, each at a new offset; time is the last of its batch."""
        total = Outcome()
        for batch in batches:
            self._now = max(each.event().occurred_at for each in batch)
            for effects in self._plan.effects:
                heard = [self._message(each) for each in batch if each.topic in effects.topics]
                took = await Transactor(self._db, effects, clock=self._clock).take(heard)
                total.applied += took.applied
                total.duplicate += took.duplicate
                total.dead += took.dead
                total.erased += took.erased
        return total

    async def snapshot(self) -> Snapshot:
        """The rows of every table that is the service's own, and the ids of what left."""
        found = {}
        for table in sorted(set(await self._tables()) - PLUMBING):
            told = TOLD.get(table, table)
            rows = await self._db.fetch(f"select to_jsonb(t)::text as row from {told} t")
            found[table] = sorted(row["row"] for row in rows)
        rows = await self._db.fetch("select event_id::text as id from outbox order by 1")
        return found | {"outbox": [row["id"] for row in rows]}

    async def dead_letters(self) -> list[str]:
        """Reasons of those that the service buried."""
        return [row["reason"] for row in await self._db.fetch("select reason from dead_letters")]

    async def _tables(self) -> list[str]:
        rows = await self._db.fetch(
            "select relname from pg_class where relnamespace = current_schema()::regnamespace"
            " and relkind in ('r', 'p') and not relispartition and relname <> 'alembic_version'"
        )
        return [row["relname"] for row in rows]

    def _clock(self) -> datetime:
        return self._now

    def _message(self, golden: Golden) -> Message:
        return Message(
            golden.topic, 0, next(self._offsets), golden.key, golden.headers, golden.wire
        )


@pytest.fixture
async def consumer(service: str, installed: Installation) -> AsyncIterator[Consumer]:
    module = importlib.import_module(f"services.{service}.worker")
    plan = module.worker(installed.worker(service))
    db = await Database.connect(plan.database_url, schema=service)
    try:
        found = Consumer(service, db, plan)
        await found.empty()
        yield found
    finally:
        await db.close()


def in_order(some: Sequence[Golden]) -> list[Golden]:
    """As they happened."""
    return sorted(some, key=lambda each: (each.event().occurred_at, each.event().seq))


def by_day(some: Sequence[Golden]) -> Batches:
    """One batch a day."""
    days = itertools.groupby(some, key=lambda each: day_of(each.event()))
    return [list(batch) for _, batch in days]


def one_by_one(some: Sequence[Golden]) -> Batches:
    return [[each] for each in some]


def ids(took: list[tuple[Message, Event]]) -> set[Any]:
    return {event.event_id for _, event in took}


@each_service
async def test_all_are_taken_and_none_is_buried(consumer: Consumer) -> None:
    outcome = await consumer.give(by_day(consumer.examples))
    assert await consumer.dead_letters() == [] and not outcome.dead
    assert ids(outcome.applied) == {each.event().event_id for each in consumer.examples}
    assert not outcome.duplicate
    after = await consumer.snapshot()
    assert any(after.values()), "the examples leave no trace: a comparison would see nothing"


@each_service
async def test_the_same_again_is_all_duplicates(consumer: Consumer) -> None:
    await consumer.give(by_day(consumer.examples))
    before = await consumer.snapshot()
    again = await consumer.give(one_by_one(consumer.examples))
    assert len(again.duplicate) == len(consumer.examples)
    assert not again.applied and not again.dead
    assert await consumer.snapshot() == before


@each_service
async def test_each_twice_in_one_batch_counts_once(consumer: Consumer) -> None:
    outcome = await consumer.give([[*batch, *batch] for batch in by_day(consumer.examples)])
    assert len(outcome.applied) == len(outcome.duplicate) == len(consumer.examples)
    assert await consumer.dead_letters() == []


@each_service
async def test_a_replay_from_offset_zero_changes_nothing(consumer: Consumer) -> None:
    await consumer.give(by_day(consumer.examples))
    before = await consumer.snapshot()
    await consumer.forget("inbox")
    replay = await consumer.give(by_day(consumer.examples))
    heard = len(replay.applied) + len(replay.erased)
    assert heard == len(consumer.examples), "the inbox was not forgotten"
    assert await consumer.snapshot() == before
    assert await consumer.dead_letters() == []


@pytest.mark.parametrize("service", ["dispatch"])
async def test_a_replay_without_business_keys_is_seen(consumer: Consumer) -> None:
    """The negative control: a consumer that forgot whose report became which case."""
    await consumer.give(by_day(consumer.examples))
    before = await consumer.snapshot()
    await consumer.forget("inbox", "case_reports")
    await consumer.give(by_day(consumer.examples))
    assert await consumer.snapshot() != before


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("service", [each for each in CONVERGE if each in present_services()])
async def test_any_order_ends_the_same(consumer: Consumer, seed: int) -> None:
    await consumer.give(by_day(consumer.examples))
    ordered = await consumer.snapshot()
    await consumer.empty()
    shuffled = list(consumer.examples)
    random.Random(seed).shuffle(shuffled)
    await consumer.give(one_by_one(shuffled))
    assert await consumer.snapshot() == ordered
    assert await consumer.dead_letters() == []
