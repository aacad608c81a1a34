"""The one idempotent Kafka producer of a process: a send that fails or hangs is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

SEND_TIMEOUT_S = 10.0
SETTINGS: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "linger_ms": 0,
    "request_timeout_ms": int(SEND_TIMEOUT_S * 1000),
    "metadata_max_age_ms": 5000,
}


class Sendable(Protocol):
    """A record as the outbox keeps it."""

    @property
    def topic(self) -> str: ...
    @property
    def key(self) -> bytes: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def value(self) -> bytes: ...


class SendUnknown(Exception):
    """Some of the batch may not have arrived: send all of it again, same ids, same order."""


class Producer:
    """acks=all, idempotent; rebuilt after every failure (aiokafka #1017: a stuck sequence)."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None

    async def send(self, records: Sequence[Sendable]) -> None:
        """Sends in order and waits for all acks, at most 10 s. Raises SendUnknown."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._send(records)
        except (KafkaError, TimeoutError, OSError) as error:
            await self.reset()
            raise SendUnknown(repr(error)) from error

    async def _send(self, records: Sequence[Sendable]) -> None:
        producer = await self._started()
        futures: list[asyncio.Future[Any]] = [
            await producer.send(
                record.topic,
                key=record.key,
                value=record.value,
                headers=[(name, text.encode()) for name, text in record.headers.items()],
            )
            for record in records
        ]
        await asyncio.gather(*futures)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, **SETTINGS)
            try:
                await producer.start()
            except BaseException:
                await _stop(producer)
                raise
            self._producer = producer
        return self._producer

    async def reset(self) -> None:
        """Drops the producer; the next send builds a new one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)


async def _stop(producer: AIOKafkaProducer) -> None:
    # A producer that lost its broker waits for it without a bound.
    with suppress(KafkaError, TimeoutError, OSError):
        async with asyncio.timeout(1.0):
            await producer.stop()
