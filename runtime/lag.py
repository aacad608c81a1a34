"""Consumer lag asked from the broker, not from the consumers: high watermark minus committed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import TOPIC, consumed_by


@dataclass(frozen=True)
class Lag:
    """One group's place on one partition; `committed` is None before its first commit."""

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int

    @property
    def behind(self) -> int:
        """Records between the committed offset and the high watermark."""
        return self.end - (self.committed or 0)


def group_of(service: str) -> str:
    """The consumer group of a service."""
    return f"yizhan-{service}"


class LagReader:
    """Asks a broker; `start` first, `stop` last. Raises KafkaError when the broker is away."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, request_timeout_ms=5000, enable_auto_commit=False
        )

    async def start(self) -> None:
        """Connects."""
        await self._admin.start()
        await self._consumer.start()

    async def stop(self) -> None:
        """Closes both clients."""
        await self._consumer.stop()
        await self._admin.close()

    async def read(self, services: Iterable[str]) -> list[Lag]:
        """Every partition of every topic that these services consume."""
        found: list[Lag] = []
        for service in services:
            partitions = [
                TopicPartition(topic.name, number)
                for topic in consumed_by(service)
                for number in range(TOPIC[topic.name].partitions)
            ]
            if not partitions:
                continue
            group = group_of(service)
            ends = await self._consumer.end_offsets(partitions)
            offsets = await self._admin.list_consumer_group_offsets(group)
            for partition in partitions:
                known = offsets.get(partition)
                committed = known.offset if known is not None and known.offset >= 0 else None
                found.append(
                    Lag(group, partition.topic, partition.partition, committed, ends[partition])
                )
        return found
