"""Measures from outside the workers: lag at the broker, outboxes and dead letters in SQL."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import asyncpg
import uvloop
from aiokafka.errors import KafkaError

from contracts.topics import TOPICS
from runtime import logging as json_logging
from runtime import metrics
from runtime.health import HealthServer
from runtime.lag import LagReader
from runtime.settings import with_secret_files
from yizhan import state
from yizhan.environment import present_services
from yizhan.ports import LOOPBACK

EVERY_S = 2.0
AGAIN_S = 0.5
TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0

log = logging.getLogger(__name__)

_OUTBOX = """
select count(*), coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)
from {service}.outbox where sent_at is null
"""
_LETTERS = "select topic, count(*) from {service}.dead_letters group by topic"


class Monitor:
    """Rounds of measuring; a source that does not answer is counted and named by /readyz."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._services = present_services()
        self._lag: LagReader | None = None
        self._sql: asyncpg.Connection | None = None
        self._failing: dict[str, str] = {"kafka": "not asked yet", "postgres": "not asked yet"}

    def problems(self) -> list[str]:
        """The sources that did not answer the last round."""
        return [f"{source}: {why}" for source, why in self._failing.items()]

    async def run(self) -> None:
        """Measures until it is cancelled."""
        try:
            while True:
                await asyncio.gather(
                    self._ask("kafka", self._read_lag, self._drop_lag),
                    self._ask("postgres", self._read_sql, self._drop_sql),
                )
                self._read_restarts()
                await asyncio.sleep(AGAIN_S if self._failing else EVERY_S)
        finally:
            await asyncio.gather(self._drop_lag(), self._drop_sql())

    async def _ask(
        self, source: str, read: Callable[[], Awaitable[None]], drop: Callable[[], Awaitable[None]]
    ) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await read()
            self._failing.pop(source, None)
        except (
            KafkaError,
            OSError,
            TimeoutError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
        ) as error:
            log.warning("%s does not answer: %s", source, type(error).__name__)
            metrics.MONITOR_FAILURES_TOTAL.labels(source).inc()
            self._failing[source] = type(error).__name__
            await drop()

    async def _read_lag(self) -> None:
        if self._lag is None:
            self._lag = LagReader(self._env["YIZHAN_KAFKA"])
            await self._lag.start()
        for each in await self._lag.read(self._services):
            labels = (each.group, each.topic, str(each.partition))
            metrics.CONSUMER_LAG.labels(*labels).set(each.behind)
            metrics.CONSUMER_COMMITTED.labels(*labels).set(each.committed or 0)

    async def _drop_lag(self) -> None:
        reader, self._lag = self._lag, None
        if reader is not None:
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await reader.stop()
            except (KafkaError, OSError, TimeoutError):
                log.warning("the broker's client did not close")

    async def _read_sql(self) -> None:
        if self._sql is None:
            url = self._env["YIZHAN_MONITOR_DATABASE_URL"]
            self._sql = await asyncpg.connect(url, timeout=TIMEOUT_S, command_timeout=TIMEOUT_S)
        for service in self._services:
            pending, oldest_s = await self._sql.fetchrow(_OUTBOX.format(service=service)) or (0, 0)
            metrics.OUTBOX_PENDING.labels(service).set(pending)
            metrics.OUTBOX_OLDEST_SECONDS.labels(service).set(float(oldest_s))
            rows = await self._sql.fetch(_LETTERS.format(service=service))
            dead: dict[str, int] = {row[0]: row[1] for row in rows}
            for topic in TOPICS:
                if service in topic.consumers:
                    metrics.DEAD_LETTERS.labels(service, topic.name).set(dead.get(topic.name, 0))

    async def _drop_sql(self) -> None:
        connection, self._sql = self._sql, None
        if connection is not None:
            connection.terminate()

    def _read_restarts(self) -> None:
        file = self._env.get("YIZHAN_STATE_FILE")
        found = state.read(Path(file)) if file else None
        for process in found.processes if found else ():
            metrics.PROCESS_RESTARTS.labels(process.name).set(process.restarts)


async def serve(env: Mapping[str, str]) -> None:
    """Runs until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    monitor = Monitor(env)
    measuring = asyncio.create_task(monitor.run())
    health = HealthServer(
        int(env["YIZHAN_HEALTH_PORT"]),
        alive=lambda: ["measuring ended"] if measuring.done() else [],
        ready=monitor.problems,
        host=env.get("YIZHAN_HOST", LOOPBACK),
    )
    await health.start()
    await asyncio.wait(
        [measuring, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED
    )
    await health.stop()
    if not stop.is_set():
        measuring.result()  # a bug: let it show
    measuring.cancel()
    await asyncio.wait([measuring])


def main(env: Mapping[str, str]) -> None:
    """The process."""
    json_logging.configure("monitor", env.get("YIZHAN_LOG_LEVEL", "INFO"))
    uvloop.run(serve(with_secret_files(env)))


if __name__ == "__main__":
    main(os.environ)
