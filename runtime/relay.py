"""Outbox to Kafka: exactly one relay per service schema sends unsent rows in id order."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from runtime import metrics
from runtime.backoff import Backoff
from runtime.db import Connection, Database, is_transient
from runtime.leadership import Leadership
from runtime.plumbing import OUTBOX_OF_DAY
from runtime.producer import Producer, SendUnknown

BATCH = 500
POLL_S = 0.5
DIRECT_GRACE_S = 2.0
"""How long the process that wrote a direct row may take before the relay takes it over."""

log = logging.getLogger(__name__)

_UNSENT = """
select day, id, event_id, topic, key, headers, value,
       extract(epoch from clock_timestamp() - created_at)::float8 as age_s
from outbox
where sent_at is null
  and (not direct or created_at < statement_timestamp() - make_interval(secs => $2))
order by id
limit $1
"""
# One statement, one round trip. Rows first, then the lock: whoever has it waits for no row.
# Under it positions become visible in their order: a reader of the feed never looks back.
_MARK = """
with marked as (
    update {outbox} set sent_at = clock_timestamp()
    where id = any ($1::bigint[]) and sent_at is null
    returning day, id, event_id, headers->>'ce_type' as type, value, feeds
), shown as (
    select day, id, n, feed, event_id, type, value
    from marked cross join unnest(feeds) with ordinality as each (feed, n)
), locked as materialized (
    select pg_advisory_xact_lock(hashtext(current_schema() || '/feed'))
    from (select count(*) as n from shown) as all_marked where n > 0
), heads as (
    insert into feed_heads as head (feed, last_no)
    select feed, count(*) from locked cross join shown group by feed order by feed
    on conflict (feed) do update set last_no = head.last_no + excluded.last_no
    returning feed, last_no
), stamped as (
    insert into feed (day, position, feed, feed_no, event_id, type, value)
    select day, nextval('feed_position'), feed,
           last_no - count(*) over (partition by feed)
               + row_number() over (partition by feed order by id, n),
           event_id, type, value
    from shown join heads using (feed) order by id, n
    returning feed_no
)
select pg_notify(current_schema() || '_feed', '')
from (select count(*) as n from stamped) as all_stamped where n > 0
"""


@dataclass(frozen=True)
class Row:
    """An unsent outbox row."""

    day: date
    id: int
    event_id: UUID
    topic: str
    key: bytes
    headers: dict[str, str]
    value: bytes
    age_s: float


class Relay:
    """Runs for ever beside a worker; `wake` says that rows were committed in this process."""

    def __init__(self, db: Database, producer: Producer) -> None:
        self._db = db
        self._producer = producer
        self._wake = asyncio.Event()
        self._backoff = Backoff(first_s=0.1, most_s=2.0)
        self.leads = False

    def wake(self) -> None:
        """Rows were committed in this process."""
        self._wake.set()

    async def run(self) -> None:
        """Leads when it can, stands by otherwise; ends only by cancellation."""
        while True:
            try:
                async with Leadership(self._db) as leadership:
                    await self._lead(leadership)
            except SendUnknown as error:
                log.warning("relay: send unknown, starting over: %s", error)
            except Exception as error:
                # Only what a reconnect can mend goes on; a bug must stop the process.
                if not is_transient(error):
                    raise
                log.warning("relay: %s", type(error).__name__)
            finally:
                self.leads = False
            await self._backoff.wait()

    async def _lead(self, leadership: Leadership) -> None:
        connection = leadership.connection
        await connection.add_listener(f"{self._db.schema}_outbox", lambda *_: self._wake.set())
        self.leads = True
        while True:
            leadership.check()
            self._wake.clear()
            if await self._send_batch(connection) < BATCH:
                self._backoff.reset()
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._wake.wait()

    async def _send_batch(self, connection: Connection) -> int:
        rows = [_row(r) for r in await connection.fetch(_UNSENT, BATCH, DIRECT_GRACE_S)]
        if not rows:
            return 0
        await self._producer.send(rows)
        await mark_sent(connection, self._db.schema, rows)
        for row in rows:
            metrics.OUTBOX_DELAY_SECONDS.labels(self._db.schema).observe(row.age_s)
        return len(rows)


def mark_sql(day: date) -> str:
    """For rows of the outbox of that day, by their ids."""
    return _MARK.format(outbox=OUTBOX_OF_DAY.format(day))


async def mark_sent(connection: Connection, schema: str, rows: Sequence[Row]) -> None:
    """Marks rows sent, stamps the gap-free numbers of their feeds and tells the listeners.

    Rows that somebody else has marked meanwhile stay as they are. One statement a day, to its own
    partition: to all of them it would open seventeen each time, or plan anew, or read through the
    index of what is unsent, where all that was sent since the last vacuum still stands.
    """
    for day in sorted({row.day for row in rows}):
        ids = sorted(row.id for row in rows if row.day == day)
        await connection.execute(mark_sql(day), ids)
    for topic, count in Counter(row.topic for row in rows).items():
        metrics.EVENTS_SENT_TOTAL.labels(schema, topic).inc(count)


def _row(record: Any) -> Row:
    return Row(
        day=record["day"],
        id=record["id"],
        event_id=record["event_id"],
        topic=record["topic"],
        key=record["key"],
        headers=record["headers"],
        value=record["value"],
        age_s=float(record["age_s"]),
    )
