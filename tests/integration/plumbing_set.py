"""The plumbing on a real PostgreSQL, in a schema with one table: no service, no business."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg

from contracts.envelope import encode
from contracts.facts import Event, new_event
from contracts.reports import PlaceAsked
from contracts.submissions import ReportSubmitted
from runtime.db import Connection, Database
from runtime.deadletters import Message
from runtime.outbox import Outgoing
from runtime.plumbing import erased_v1, feed_reader_v1, links_v1, statements_v1
from yizhan import database
from yizhan.datafolder import DataFolder
from yizhan.embedded.postgres import Postgres
from yizhan.environment import database_place, database_url

SCHEMA = "trial"
OFFSETS = itertools.count()
TABLES = """tally, inbox, outbox, dead_letters, dead_letter_attempts, halts, feed, feed_heads,
    jobs, erased, links"""


@contextmanager
def installation(path: Path) -> Iterator[tuple[str, str]]:
    """A server whose schema has the plumbing and `tally`; the role's URL and the admin's."""
    data = DataFolder(path)
    data.make()
    server = Postgres(data.postgres)
    server.start()
    try:
        database.make(server.admin_url, [SCHEMA], data)
        url = database_url(database_place(server.admin_url), SCHEMA, data)
        with psycopg.connect(url) as connection:
            for statement in (*statements_v1(), *erased_v1(), *links_v1(), *feed_reader_v1()):
                connection.execute(statement.encode())
            connection.execute("create table tally (report_id uuid not null, text text)")
        yield url, server.admin_url
    finally:
        server.stop()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A pool on the emptied schema."""
    db = await Database.connect(url, schema=SCHEMA, size=8)
    try:
        await db.execute(f"truncate {TABLES}")
        await db.execute("delete from idempotency_keys")
        yield db
    finally:
        await db.close()


@dataclass
class Seen:
    """What a batch adds: rows of (report id, text)."""

    rows: list[tuple[str, str | None]] = field(default_factory=list)


class Tally:
    """Effects that write one row a report and say PlaceAsked; no business key helps the inbox."""

    topics: tuple[str, ...] = ("submissions",)

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.before_save: Callable[[], None] = lambda: None

    async def load(self, connection: Connection, events: Sequence[Event]) -> Seen:
        """Nothing is read."""
        self.sizes.append(len(events))
        return Seen()

    def apply(self, state: Seen, event: Event) -> Sequence[Outgoing]:
        """One row, one answer."""
        body = event.body
        assert isinstance(body, ReportSubmitted)
        state.rows.append((body.report_id, body.text))
        return [Outgoing(answer(body.report_id), ("all",))]

    async def save(self, connection: Connection, state: Seen) -> None:
        """Nothing keeps a second row out: only the inbox does."""
        self.before_save()
        await connection.execute(
            "insert into tally select * from unnest($1::uuid[], $2::text[])",
            [report_id for report_id, _ in state.rows],
            [text for _, text in state.rows],
        )


def answer(report_id: str) -> Event:
    """The event that leaves for a report."""
    return new_event(
        PlaceAsked(report_id=report_id, reporter_id="r", code="C"),
        source="intake",
        subject=report_id,
        seq=2,
        occurred_at=datetime.now(UTC),
        correlation_id=report_id,
    )


def submission(text: str = "垃圾桶满了", *, at: datetime | None = None) -> Message:
    """A report as it comes from Kafka, at an offset of its own."""
    report_id, now = str(uuid4()), at or datetime.now(UTC)
    body = ReportSubmitted(
        report_id=report_id, reporter_id="r", code="C", received_at=now, text=text
    )
    event = new_event(
        body, source="intake", subject=report_id, seq=1, occurred_at=now, correlation_id=report_id
    )
    record = encode(event)
    headers = tuple((name, value.encode()) for name, value in record.headers.items())
    return Message(record.topic, 0, next(OFFSETS), record.key, headers, record.value)


async def tallied(db: Database) -> Counter[str]:
    """Report ids in the table, and how often."""
    rows = await db.fetch("select report_id::text from tally")
    return Counter(row["report_id"] for row in rows)


async def until(condition: Callable[[], object], timeout_s: float = 30.0) -> None:
    """Polls on the loop; fails the test at the deadline."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s"
        await asyncio.sleep(0.02)
