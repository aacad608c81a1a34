"""Records as they lie in Kafka, read with a plain consumer and decoded by hand.

Nothing of the product's own decoding is used here: what is counted must not judge itself.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import TOPIC

POLL_MS = 200
WITHIN_S = 60.0


@dataclass(frozen=True)
class Raw:
    """One record; `seen_at` is this process's clock (Unix time)."""

    topic: str
    partition: int
    offset: int
    headers: dict[str, str]
    body: dict[str, Any]
    seen_at: float

    @property
    def type(self) -> str:
        return self.headers["ce_type"]

    @property
    def case(self) -> dict[str, Any]:
        """The case in an event of topic `cases`, else empty."""
        found: dict[str, Any] = self.body.get("case", {})
        return found

    @property
    def chain(self) -> str:
        """The report that this event goes back to."""
        return self.headers["ce_correlationid"]

    def tells_of(self, report_id: str) -> bool:
        """Whether the report itself made this event."""
        return report_id in (self.body.get("report_id"), self.chain)


def _raw(record: Any) -> Raw:
    headers = {name: value.decode() for name, value in record.headers}
    body = json.loads(record.value)
    return Raw(record.topic, record.partition, record.offset, headers, body, time.time())


@asynccontextmanager
async def consumer(kafka: str, topics: Sequence[str]) -> AsyncIterator[AIOKafkaConsumer]:
    """All partitions of the topics from offset zero, in no group."""
    found = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, group_id=None)
    await found.start()
    try:
        parts = [
            TopicPartition(topic, number)
            for topic in topics
            for number in range(TOPIC[topic].partitions)
        ]
        found.assign(parts)
        await found.seek_to_beginning(*parts)
        yield found
    finally:
        await found.stop()


async def read_all(kafka: str, topics: Sequence[str]) -> list[Raw]:
    """Everything from offset zero to the end as it is now."""
    async with consumer(kafka, topics) as reader:
        ends = await reader.end_offsets(list(reader.assignment()))
        found: list[Raw] = []
        while any([await reader.position(part) < end for part, end in ends.items()]):
            batches = await reader.getmany(timeout_ms=POLL_MS)
            found += [_raw(record) for batch in batches.values() for record in batch]
        return found


class Witness:
    """Looks on while the play goes on."""

    def __init__(self, kafka: str, topics: Sequence[str]) -> None:
        self._kafka = kafka
        self._topics = topics
        self._more = asyncio.Condition()
        self.records: list[Raw] = []

    async def run(self) -> None:
        """Reads until it is cancelled."""
        async with consumer(self._kafka, self._topics) as reader:
            while True:
                batches = await reader.getmany(timeout_ms=POLL_MS)
                fresh = [_raw(record) for batch in batches.values() for record in batch]
                if fresh:  # of one fetch: partitions come in any order, the eye wants time
                    async with self._more:
                        self.records += sorted(fresh, key=lambda raw: raw.headers["ce_time"])
                        self._more.notify_all()

    async def follow(
        self, report_id: str, last: Callable[[Raw], bool], after: int = 0
    ) -> AsyncIterator[Raw]:
        """What becomes of a report, as it is seen, up to the record that is the last one.

        `after`: so many records are known already. Raises TimeoutError after a minute in vain.
        """
        at = after
        async with asyncio.timeout(WITHIN_S):
            while True:
                fresh = await self._behind(at)
                at += len(fresh)
                for record in fresh:
                    if record.tells_of(report_id):
                        yield record
                        if last(record):
                            return

    async def _behind(self, at: int) -> list[Raw]:
        """At least one record from that position on."""
        async with self._more:
            await self._more.wait_for(lambda: len(self.records) > at)
            return self.records[at:]

    async def until(self, enough: Callable[[list[Raw]], bool]) -> None:
        """Raises TimeoutError when it is not enough within a minute."""
        async with asyncio.timeout(WITHIN_S), self._more:
            await self._more.wait_for(lambda: enough(self.records))
