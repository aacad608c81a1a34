"""Events that wait on a topic, as the service before would have left them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.places import CATEGORY, Spot
from cities.cells import cell
from contracts.envelope import encode
from contracts.facts import Event, new_event
from contracts.places import Place
from contracts.reports import ReportNormalised
from contracts.submissions import ReportSubmitted, SentPlace
from contracts.topics import TOPIC
from runtime.db import Connection
from runtime.producer import SETTINGS
from services.intake.domain.codes import CODE_BITS, RANDOM_BITS, report_code, uuid7

CHUNK = 2000
RESOLUTION = 9
_ACCEPTED = """
insert into reports (id, reporter_id, code, received_at, submitted)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[])
"""


def submissions(places: Iterable[Spot], seed: int) -> list[ReportSubmitted]:
    """Reports as intake's API accepts them, each at a spot of its own."""
    rng = random.Random(seed)
    now = datetime.now(UTC)
    return [
        ReportSubmitted(
            report_id=str(uuid7(int(now.timestamp() * 1000), rng.getrandbits(RANDOM_BITS))),
            reporter_id=str(UUID(int=rng.getrandbits(128), version=4)),
            code=report_code(rng.getrandbits(CODE_BITS)),
            received_at=now,
            text="垃圾桶满了，没人收",
            category=CATEGORY,
            place=SentPlace(lat=spot.lat, lon=spot.lon),
        )
        for spot in places
    ]


def submitted(report: ReportSubmitted) -> Event:
    """What intake's API says about it."""
    return new_event(
        report,
        source="intake",
        subject=report.report_id,
        seq=1,
        occurred_at=report.received_at,
        correlation_id=report.report_id,
    )


def normalised_of(report: ReportSubmitted, now: datetime) -> Event:
    """What intake's worker makes of it, without having thought."""
    assert report.place is not None
    place = Place(lat=report.place.lat, lon=report.place.lon)
    fact = ReportNormalised(
        report_id=report.report_id,
        reporter_id=report.reporter_id,
        code=report.code,
        received_at=report.received_at,
        place=place,
        cell=cell(place.lat, place.lon, RESOLUTION),
        text=report.text,
        category=report.category,
        category_source="client",
    )
    return new_event(
        fact,
        source="intake",
        subject=report.report_id,
        seq=2,
        occurred_at=now,
        correlation_id=report.report_id,
    )


async def accept(connection: Connection, reports: Sequence[ReportSubmitted]) -> None:
    """The rows that intake's API left, by intake's role."""
    for at in range(0, len(reports), CHUNK):
        some = reports[at : at + CHUNK]
        await connection.execute(
            _ACCEPTED,
            [UUID(each.report_id) for each in some],
            [each.reporter_id for each in some],
            [each.code for each in some],
            [each.received_at for each in some],
            [msgspec.json.encode(each) for each in some],
        )


async def fill(kafka: str, events: Sequence[Event]) -> dict[int, int]:
    """Publishes them; the offset at which each partition of their topic ended before."""
    topic = encode(events[0]).topic
    before = await ends(kafka, topic)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, **SETTINGS | {"linger_ms": 5})
    await producer.start()
    try:
        for at in range(0, len(events), CHUNK):
            records = [encode(event) for event in events[at : at + CHUNK]]
            sent = [
                await producer.send(
                    record.topic,
                    record.value,
                    record.key,
                    headers=[(name, text.encode()) for name, text in record.headers.items()],
                )
                for record in records
            ]
            await asyncio.gather(*sent)
    finally:
        await producer.stop()
    return before


async def ends(kafka: str, topic: str) -> dict[int, int]:
    """Every partition's end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    try:
        found = await consumer.end_offsets(
            [TopicPartition(topic, number) for number in range(TOPIC[topic].partitions)]
        )
    finally:
        await consumer.stop()
    return {partition.partition: offset for partition, offset in found.items()}
