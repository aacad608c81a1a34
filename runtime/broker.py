"""What a worker asks the broker before and beside Faust: are the topics there, is there lag."""

from __future__ import annotations

import asyncio
import logging

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.topics import consumed_by
from runtime.lag import LagReader

log = logging.getLogger(__name__)


async def topics_exist(kafka: str, service: str) -> None:
    """Waits until the broker has every topic that the service reads, with its partitions."""
    needed = {topic.name: topic.partitions for topic in consumed_by(service)}
    while True:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka, request_timeout_ms=3000)
        try:
            async with asyncio.timeout(5):
                await admin.start()
                described = await admin.describe_topics(list(needed))
            there = {topic["topic"]: len(topic["partitions"]) for topic in described}
            if needed.items() <= there.items():
                return
            log.warning("topics are not there yet: %s", sorted(set(needed) - set(there)))
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("broker is not there yet: %s", type(error).__name__)
        finally:
            await admin.close()
        await asyncio.sleep(0.5)


async def lag_of(kafka: str, service: str) -> int:
    """Records that the service has not committed yet; 0 when the broker does not say."""
    reader = LagReader(kafka)
    try:
        await reader.start()
        return sum(each.behind for each in await reader.read([service]))
    except (KafkaError, OSError, TimeoutError):
        return 0
    finally:
        await reader.stop()
