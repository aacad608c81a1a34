"""Kafka and PostgreSQL for one `up`: the embedded ones under the supervisor, or existing ones."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass

from yizhan.datafolder import ROOT, DataFolder
from yizhan.embedded.kafka import Kafka
from yizhan.embedded.postgres import Postgres
from yizhan.supervisor import Spec, Supervised, Supervisor
from yizhan.trouble import Trouble

START_TIMEOUT_S = 90.0
KILL_AFTER_S = 9.0
PLAIN = "sslmode=disable"
"""On the loopback; else drivers look for keys in the home folder and ask the server first."""


@dataclass(frozen=True)
class Servers:
    """Where clients find them. `database` is the admin's URL, with its password."""

    kafka: str
    database: str
    embedded: bool


async def start(
    supervisor: Supervisor,
    data: DataFolder,
    env: Mapping[str, str],
    *,
    kafka_port: int | None,
    postgres_port: int | None,
) -> Servers:
    """Starts what `YIZHAN_KAFKA` and `YIZHAN_DATABASE_URL` do not name. Raises Trouble."""
    kafka_address, database = env.get("YIZHAN_KAFKA", ""), env.get("YIZHAN_DATABASE_URL", "")
    work = []
    kafka = postgres = None
    if not kafka_address:
        kafka = Kafka(data.kafka, port=kafka_port, log=data.logs / "kafka.log")
        kafka_address = kafka.address
        work.append(_start(supervisor, _kafka_spec(kafka, data), kafka))
    if not database:
        postgres = Postgres(
            data.postgres,
            port=postgres_port,
            password_file=data.secrets.admin_password_file,
            log=data.logs / "postgres.log",
        )
        work.append(_start(supervisor, _postgres_spec(postgres, data), postgres))
    await asyncio.gather(*work)
    if postgres is not None:
        database = f"{postgres.admin_url}?{PLAIN}"
    return Servers(kafka_address, database, bool(work))


async def _start(supervisor: Supervisor, spec: Spec, server: Kafka | Postgres) -> None:
    await asyncio.to_thread(server.prepare)
    await until_ready(supervisor.start(spec), tries=1)


async def until_ready(
    process: Supervised, *, tries: int, timeout_s: float = START_TIMEOUT_S
) -> None:
    """Waits for a process. Raises Trouble when it ended that often or the time is up."""
    waiting = asyncio.create_task(process.is_ready.wait())
    failed = asyncio.create_task(process.restarted(tries))
    done, pending = await asyncio.wait(
        [waiting, failed], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
    )
    for task in pending:
        task.cancel()
    if waiting not in done:
        raise Trouble(process.why_not_ready())


def _kafka_spec(kafka: Kafka, data: DataFolder) -> Spec:
    async def ready() -> bool:
        return await asyncio.to_thread(kafka.ready)

    return Spec(
        name="kafka",
        argv=kafka.command,
        ready=ready,
        log=data.logs / "kafka.out",
        details=kafka.log,
        env=dict(os.environ),
        cwd=ROOT,
        port=kafka.port,
        kill_after_s=KILL_AFTER_S,
    )


def _postgres_spec(postgres: Postgres, data: DataFolder) -> Spec:
    async def ready() -> bool:
        return await asyncio.to_thread(postgres.ready)

    return Spec(
        name="postgres",
        argv=postgres.command,
        ready=ready,
        log=postgres.log,
        env=dict(os.environ),
        cwd=data.path,
        port=postgres.port,
        stop_signal=signal.SIGINT,
        kill_after_s=KILL_AFTER_S,
    )
