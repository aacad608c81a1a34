"""aiokafka `getmany` and the product's own SQL: no Faust, no guard, no decision.

`python -m bench.floors.drain intake|dispatch OFFSETS`, from these offsets (JSON) on: the same
statements with rows made from a template, events published and their rows marked as the relay does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec.structs import replace

from bench.backlog import normalised_of
from bench.floors.ground import Place, ready
from bench.stacks import CITY
from cities.cells import cells_touching_circle
from cities.load import load_city
from contracts.cases import Alternative, CaseFact
from contracts.envelope import decode
from contracts.facts import Event
from contracts.reports import ReportNormalised
from contracts.submissions import ReportSubmitted
from runtime import inbox, outbox
from runtime.db import Connection, Database
from runtime.outbox import Outgoing
from runtime.relay import Row, mark_sent
from runtime.worker import WorkerPlan
from services.dispatch.adapters import case_sql, near_sql
from services.dispatch.domain.batch import Membership, Search, lock_name
from services.dispatch.domain.duplicates import Sighting
from services.dispatch.domain.leaving import event_of, feeds_of
from services.dispatch.domain.opening import case_id_of, open_case
from services.dispatch.domain.routing import AREA
from services.intake.adapters import report_sql
from services.intake.domain.report import Report

BATCH = 500
OWNER = Alternative(community="610124108204", reason=AREA)
_UNSENT = """
select day, id, event_id, topic, key, headers, value from outbox
where sent_at is null order by id
"""


class Intake:
    """A submission becomes a report."""

    topic = "submissions"

    async def effect(self, connection: Connection, events: Sequence[Event]) -> list[Outgoing]:
        """Locks, the clock, the rows, the events that leave."""
        sent = [each.body for each in events if isinstance(each.body, ReportSubmitted)]
        await report_sql.lock(connection, {UUID(each.report_id) for each in sent})
        now = await connection.fetchval("select clock_timestamp()")
        made = [normalised_of(each, now) for each in sent]
        reports = [
            Report(
                submitted=each,
                status="normalised",
                seq=2,
                place=fact.body.place,
                cell=fact.body.cell,
                category=fact.body.category,
            )
            for each, fact in zip(sent, made, strict=True)
            if isinstance(fact.body, ReportNormalised)
        ]
        await report_sql.save(connection, reports)
        return [Outgoing(each) for each in made]


class Dispatch:
    """A report becomes a case."""

    topic = "reports"

    def __init__(self) -> None:
        self._city = load_city(CITY)
        self._template: tuple[CaseFact, ...] = ()

    async def effect(self, connection: Connection, events: Sequence[Event]) -> list[Outgoing]:
        """Locks, search, the rows, the events that leave."""
        sent = [each.body for each in events if isinstance(each.body, ReportNormalised)]
        searches = [self._search(each) for each in sent]
        locks = {lock_name(each.rule.family, cell) for each in searches for cell in each.cells}
        now = await case_sql.advisory(connection, locks)
        await case_sql.known_reports(connection, {each.report_id for each in sent})
        await near_sql.near(connection, searches)
        facts = [fact for each in sent for fact in self._facts(each, now)]
        cases = {fact.case.id: fact.case for fact in facts}
        members = [
            Membership(each.report_id, case_id_of(each.report_id), each.reporter_id, now, ())
            for each in sent
        ]
        await case_sql.save(connection, list(cases.values()), self._city, facts, members)
        return [Outgoing(event_of(fact), feeds_of(fact)) for fact in facts]

    def _search(self, report: ReportNormalised) -> Search:
        rule = self._city.rule(self._city.family(report.category))
        place = report.place
        cells = cells_touching_circle(
            place.lat, place.lon, rule.distance_m, self._city.h3_resolution
        )
        sighting = Sighting(place.lat, place.lon, rule.family, report.received_at)
        return Search(sighting, rule, cells)

    def _facts(self, report: ReportNormalised, now: datetime) -> list[CaseFact]:
        """The first report's facts with this report's names and place."""
        if not self._template:
            self._template = tuple(
                open_case(report, cell=report.cell, owners=[OWNER], now=now, city=self._city)
            )
        case_id = case_id_of(report.report_id)
        return [
            replace(
                fact,
                case=replace(
                    fact.case,
                    id=case_id,
                    place=report.place,
                    cell=report.cell,
                    reports=(replace(fact.case.reports[0], report_id=report.report_id),),
                ),
            )
            for fact in self._template
        ]


async def drain(
    place: Place, work: Intake | Dispatch, db: Database, before: dict[str, int]
) -> None:
    """For ever; while a batch is published the next one is on its way."""
    producer = await place.producer()
    consumer = AIOKafkaConsumer(bootstrap_servers=place.kafka, enable_auto_commit=False)
    await consumer.start()
    consumer.assign([TopicPartition(work.topic, int(number)) for number in before])
    for number, offset in before.items():
        consumer.seek(TopicPartition(work.topic, int(number)), offset)
    ready()
    publishing: asyncio.Task[None] | None = None
    while True:
        batches = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
        records = [record for batch in batches.values() for record in batch]
        if not records:
            continue
        events = [
            decode(record.topic, record.key, record.headers, record.value) for record in records
        ]
        async with db.transaction() as connection:
            await inbox.claim(connection, events)
            await outbox.append(connection, await work.effect(connection, events))
        if publishing is not None:
            await publishing
        publishing = asyncio.create_task(_publish(db, producer))


async def _publish(db: Database, producer: Any) -> None:
    async with db.connection() as connection:
        rows = [Row(**record, age_s=0.0) for record in await connection.fetch(_UNSENT)]
        sent = [
            await producer.send(
                row.topic,
                row.value,
                row.key,
                headers=[(name, text.encode()) for name, text in row.headers.items()],
            )
            for row in rows
        ]
        await asyncio.gather(*sent)
        if rows:
            await mark_sent(connection, db.schema, rows)


async def main(service: str, offsets: str, url: str) -> None:
    """The process; the URL is the service's role's."""
    db = await Database.connect(url, schema=service, size=WorkerPlan.pool_size)
    work = Intake() if service == "intake" else Dispatch()
    await drain(Place.of_environment(), work, db, json.loads(offsets))


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
