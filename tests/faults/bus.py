"""Kafka from outside the product: raw bytes in, raw bytes out, lag by the high watermark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupCoordinatorNotAvailableError

from contracts.topics import TOPICS, consumed_by

Offsets = Mapping[tuple[str, int], int]


@dataclass(frozen=True)
class Raw:
    """A record as it lies on its topic."""

    topic: str
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None
    partition: int | None = None
    offset: int | None = None

    def header(self, name: str) -> str:
        """A CloudEvents attribute, empty when it is missing."""
        return next((v.decode("utf-8", "replace") for n, v in self.headers if n == name), "")

    def content(self) -> tuple[Any, ...]:
        """What makes two records the same but for their place on the topic."""
        return self.topic, self.key, self.headers, self.value


class Bus:
    """Opened for one task and closed after it: brokers are killed around it."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def ends(self) -> Offsets:
        """The high watermark of every partition of every topic."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, request_timeout_ms=10_000)
        await consumer.start()
        try:
            return await _ends(consumer)
        finally:
            await consumer.stop()

    async def read(self, since: Offsets) -> list[Raw]:
        """Everything from those offsets to the high watermark, in order per partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=8 << 20,
        )
        await consumer.start()
        try:
            ends = await _ends(consumer)
            left = {TopicPartition(*at): end for at, end in ends.items() if end > since[at]}
            consumer.assign(list(left))
            for partition in left:
                consumer.seek(partition, since[(partition.topic, partition.partition)])
            found: list[Raw] = []
            while left:
                for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                    found.extend(_raw(record) for record in records)
                    if partition in left and records[-1].offset + 1 >= left[partition]:
                        del left[partition]
            return found
        finally:
            await consumer.stop()

    async def send(self, records: Sequence[Raw]) -> None:
        """Produces them as they are; a partition is kept only where it is named."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            max_request_size=2 << 20,
        )
        await producer.start()
        try:
            futures = [
                await producer.send(
                    record.topic,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers),
                    partition=record.partition,
                )
                for record in records
            ]
            for future in futures:
                await future
        finally:
            await producer.stop()

    async def members(self, service: str, topic: str) -> list[list[int]]:
        """That topic's partitions of each member of the service's group; [] while it settles."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, request_timeout_ms=10_000)
        await admin.start()
        try:
            (answer,) = await admin.describe_consumer_groups([f"yizhan-{service}"])
        except GroupCoordinatorNotAvailableError:
            return []
        finally:
            await admin.close()
        _, _, state, _, _, members, *_ = answer.groups[0]
        if state != "Stable":
            return []
        found = [ConsumerProtocolMemberAssignment.decode(each[-1]) for each in members]
        return [
            sorted(n for name, numbers in each.assignment for n in numbers if name == topic)
            for each in found
        ]

    async def lag(self, services: Sequence[str]) -> dict[str, int]:
        """Records between committed offset and high watermark, by service and topic."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, request_timeout_ms=10_000)
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, request_timeout_ms=10_000)
        await consumer.start()
        try:
            await admin.start()
            ends = await _ends(consumer)
            found: dict[str, int] = {}
            for service in services:
                committed = await admin.list_consumer_group_offsets(f"yizhan-{service}")
                for topic in consumed_by(service):
                    behind = 0
                    for number in range(topic.partitions):
                        known = committed.get(TopicPartition(topic.name, number))
                        done = max(known.offset, 0) if known is not None else 0
                        behind += ends[(topic.name, number)] - done
                    found[f"{service}/{topic.name}"] = behind
            return found
        finally:
            await consumer.stop()
            await admin.close()


async def _ends(consumer: AIOKafkaConsumer) -> dict[tuple[str, int], int]:
    partitions = [TopicPartition(t.name, n) for t in TOPICS for n in range(t.partitions)]
    ends = await consumer.end_offsets(partitions)
    return {(each.topic, each.partition): int(end) for each, end in ends.items()}


def _raw(record: Any) -> Raw:
    headers = tuple((name, bytes(value or b"")) for name, value in record.headers)
    return Raw(record.topic, record.key, headers, record.value, record.partition, record.offset)
