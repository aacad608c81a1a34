"""Declares the topics of contracts/topics.py at a broker, once; never changes an existing one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from contracts.topics import TOPICS
from yizhan.trouble import Trouble

MAX_REPLICATION = 3
TIMEOUT_MS = 10_000
VISIBLE_WITHIN_S = 20.0


async def declare(bootstrap: str) -> list[str]:
    """Makes the topics that are missing; their names. Raises Trouble.

    Returns once every topic is seen with its partitions.
    """
    async with admin(bootstrap) as client:
        there = await _partitions(client)
        for topic in TOPICS:
            if there.get(topic.name, topic.partitions) != topic.partitions:
                raise Trouble(
                    f"topic {topic.name} has {there[topic.name]} partitions and must have "
                    f"{topic.partitions}: changing that would break the order of keys"
                )
        missing = [topic.name for topic in TOPICS if topic.name not in there]
        if missing:
            await _create(client, missing)
            await _until_visible(client)
        return missing


@asynccontextmanager
async def admin(bootstrap: str) -> Any:
    """A connected admin client. Raises Trouble when the broker is away."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=TIMEOUT_MS)
    try:
        try:
            await client.start()
        except (KafkaError, OSError) as error:
            raise Trouble(f"Kafka at {bootstrap} does not answer") from error
        yield client
    finally:
        await client.close()


async def _partitions(client: Any) -> dict[str, int]:
    names = [topic.name for topic in TOPICS]
    found = await client.describe_topics(names)
    return {each["topic"]: len(each["partitions"]) for each in found if not each["error_code"]}


async def _create(client: Any, names: list[str]) -> None:
    brokers = len((await client.describe_cluster())["brokers"])
    wanted = list(_new_topics(set(names), min(MAX_REPLICATION, brokers)))
    answer = await client.create_topics(wanted)
    for name, code, *_ in answer.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise Trouble(f"topic {name} cannot be made: {for_code(code).__name__}")


def _new_topics(names: set[str], replication: int) -> Iterator[Any]:
    for topic in TOPICS:
        if topic.name in names:
            yield NewTopic(
                topic.name,
                topic.partitions,
                replication,
                topic_configs={
                    "retention.ms": str(topic.retention_ms),
                    "segment.ms": str(topic.segment_ms),
                    "min.insync.replicas": str(max(1, replication - 1)),
                },
            )


async def _until_visible(client: Any) -> None:
    deadline = asyncio.get_running_loop().time() + VISIBLE_WITHIN_S
    wanted = {topic.name: topic.partitions for topic in TOPICS}
    while await _partitions(client) != wanted:
        if asyncio.get_running_loop().time() > deadline:
            raise Trouble("the topics were made, but the broker does not show them")
        await asyncio.sleep(0.05)
