"""The relay on real PostgreSQL and Kafka: order, repeats after the unknown, exactly one leader."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.facts import Event, new_event
from contracts.reports import PlaceAsked
from runtime import outbox
from runtime.db import Database
from runtime.leadership import Leadership
from runtime.outbox import Outgoing
from runtime.producer import Producer, SendUnknown
from runtime.relay import DIRECT_GRACE_S, Relay, _row
from runtime.send_now import SendNow
from tests.integration.plumbing_set import SCHEMA, installation, opened, until
from yizhan.embedded.kafka import Kafka
from yizhan.topics import declare

TOPIC = "reports"
SEQ = itertools.count(2)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with installation(tmp_path_factory.mktemp("relay") / "data") as (found, _):
        yield found


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    broker = Kafka(tmp_path_factory.mktemp("relay-broker") / "kafka")
    broker.start()
    try:
        asyncio.run(declare(broker.bootstrap))
        yield broker.bootstrap
    finally:
        broker.stop()


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    async with opened(url) as found:
        yield found


@asynccontextmanager
async def running(db: Database, producer: Producer) -> AsyncIterator[Relay]:
    """A relay in its task."""
    relay = Relay(db, producer)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await producer.reset()


def event(report_id: str) -> Event:
    """One more about that report."""
    return new_event(
        PlaceAsked(report_id=report_id, reporter_id="r", code="C"),
        source="intake",
        subject=report_id,
        seq=next(SEQ),
        occurred_at=datetime.now(UTC),
        correlation_id=report_id,
    )


async def written(
    db: Database, reports: Sequence[str], each: int, *, direct: bool = False
) -> list[str]:
    """Ids of the events that are in the outbox now, in its order."""
    events = [event(report_id) for _ in range(each) for report_id in reports]
    for at in range(0, len(events), 50):
        async with db.transaction() as connection:
            part = [Outgoing(found, ("all",), direct) for found in events[at : at + 50]]
            await outbox.append(connection, part)
    return [str(found.event_id) for found in events]


async def all_sent(db: Database) -> bool:
    return not await db.fetchval("select count(*) from outbox where sent_at is null")


async def on_topic(kafka: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    """(key, event id) of these events as they stand on the topic, partition by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        await consumer._client.force_metadata_update()
        parts = [TopicPartition(TOPIC, number) for number in range(8)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        found = []
        for part in parts:
            consumer.assign([part])
            await consumer.seek_to_beginning(part)
            while await consumer.position(part) < ends[part]:
                record = await consumer.getone(part)
                found.append((record.key.decode(), dict(record.headers)["ce_id"].decode()))
        wanted = set(ids)
        return [each for each in found if each[1] in wanted]
    finally:
        await consumer.stop()


async def test_in_the_order_of_the_outbox(db: Database, kafka: str) -> None:
    reports = [str(uuid4()) for _ in range(5)]
    ids = await written(db, reports, 120)
    async with running(db, Producer(kafka)):
        await until(lambda: all_sent(db), 60)
    found = await on_topic(kafka, ids)
    order = {each: at for at, each in enumerate(ids)}
    assert len(found) == len(ids)
    for report_id in reports:
        places = [order[each] for key, each in found if key == report_id]
        assert places == sorted(places)


class Forgetful(Producer):
    """The records arrive; the answer of the first batches is lost."""

    lost = 2

    async def send(self, records: Sequence[Any]) -> None:
        """As the real one, then unknown."""
        await super().send(records)
        if self.lost:
            self.lost -= 1
            await self.reset()
            raise SendUnknown("the answer was lost")


async def test_an_unknown_send_goes_again(db: Database, kafka: str) -> None:
    ids = await written(db, [str(uuid4())], 40)
    async with running(db, Forgetful(kafka)):
        await until(lambda: all_sent(db), 60)
    found = [each for _, each in await on_topic(kafka, ids)]
    assert set(found) == set(ids) and found.count(ids[0]) == 3
    numbers = [row["feed_no"] for row in await db.fetch("select feed_no from feed order by 1")]
    assert numbers == list(range(1, 41)), "stamped once, without a gap"


async def test_exactly_one_leads_and_another_follows(db: Database, url: str, kafka: str) -> None:
    other = await Database.connect(url, schema=SCHEMA)
    try:
        async with running(db, Producer(kafka)) as second_to_stop:
            await until(lambda: second_to_stop.leads)
            async with running(other, Producer(kafka)) as standby:
                ids = await written(db, [str(uuid4())], 30)
                await until(lambda: all_sent(db), 60)
                assert second_to_stop.leads and not standby.leads
        async with running(other, Producer(kafka)) as heir:
            await until(lambda: heir.leads)
        assert len(await on_topic(kafka, ids)) == len(ids)
    finally:
        await other.close()


async def test_a_frozen_leader_is_deposed(db: Database, url: str) -> None:
    other = await Database.connect(url, schema=SCHEMA)
    try:
        async with Leadership(db) as frozen:
            assert frozen._beats is not None
            frozen._beats.cancel()
            await asyncio.gather(frozen._beats, return_exceptions=True)
            async with asyncio.timeout(60), Leadership(other) as successor:
                successor.check()
                await until(frozen.connection.is_closed)
                with pytest.raises((ConnectionError, asyncio.CancelledError)):
                    frozen.check()
    finally:
        await other.close()


async def test_a_beating_leader_stays(db: Database, url: str) -> None:
    other = await Database.connect(url, schema=SCHEMA)
    try:
        async with Leadership(db) as leader:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(4), Leadership(other):
                    pass
            leader.check()
    finally:
        await other.close()


async def test_direct_rows_are_the_relays_when_left_over(db: Database, kafka: str) -> None:
    ids = await written(db, [str(uuid4())], 3, direct=True)
    async with running(db, Producer(kafka)):
        await until(lambda: all_sent(db), 60)
    waits = await db.fetch("select extract(epoch from sent_at - created_at) as s from outbox")
    assert min(float(row["s"]) for row in waits) >= DIRECT_GRACE_S
    assert len(await on_topic(kafka, ids)) == 3


async def test_sent_at_once_by_its_own_process(db: Database, kafka: str) -> None:
    ids = await written(db, [str(uuid4())], 3, direct=True)
    producer = Producer(kafka)
    sender = SendNow(db, producer)
    task = asyncio.create_task(sender.run())
    try:
        for row in await db.fetch("select *, 0.0::float8 as age_s from outbox order by id"):
            sender.offer(_row(row))
        await until(lambda: all_sent(db), 60)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await producer.reset()
    assert [each for _, each in await on_topic(kafka, ids)] == ids
