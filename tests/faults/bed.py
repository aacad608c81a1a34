"""Servers without a supervisor: each worker is started, frozen and killed by the test itself."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx

from tests.faults import gate
from tests.faults.oracle import Oracle
from tests.faults.stack import UNLIMITED, until
from yizhan import database, topics
from yizhan.datafolder import DataFolder
from yizhan.embedded.child import Child
from yizhan.embedded.kafka import Kafka
from yizhan.embedded.launch import wrapped
from yizhan.embedded.postgres import Postgres
from yizhan.environment import Installation, database_place, present_services
from yizhan.ports import LOOPBACK, free_port, free_ports

SERVICES = present_services()
READY_S = 90.0
TALLY = """
create table if not exists dispatch.tally (event_id uuid primary key, n integer not null);
grant all on dispatch.tally to yizhan_dispatch;
"""


class Bed:
    """Kafka, PostgreSQL and the schemas of every service, for the city of that name or folder."""

    def __init__(self, folder: Path, city: str = "xian") -> None:
        self._city = city
        self.data = DataFolder(folder)
        self.data.make()
        self.kafka = Kafka(self.data.kafka, log=self.data.logs / "kafka.log")
        self.postgres = Postgres(
            self.data.postgres, password_file=self.data.secrets.admin_password_file
        )
        self.processes: list[Process] = []

    async def start(self) -> None:
        """Servers, topics, schemas, and the table of the counting effect."""
        self.kafka.start()
        self.postgres.start()
        admin = self.postgres.admin_url
        database.make(admin, SERVICES, self.data)
        database.migrate(admin, SERVICES, self.data)
        await topics.declare(self.kafka.bootstrap)
        port, internal, *health = free_ports(3 + len(SERVICES))
        self.place = Installation(
            data=self.data,
            services=SERVICES,
            kafka=self.kafka.bootstrap,
            database=database_place(admin),
            port=port,
            internal_port=internal,
            health_ports=dict(zip((*SERVICES, "edge"), health, strict=True)),
            city=self._city,
            outer=dict(os.environ) | UNLIMITED,
        )
        connection = await asyncpg.connect(self.oracle().database)
        await connection.execute(TALLY + gate.SET_UP)
        await connection.close()

    def stop(self) -> None:
        """Everything."""
        self.end_processes()
        self.postgres.stop()
        self.kafka.stop()

    def end_processes(self) -> None:
        """kill -9 to what still runs, frozen or not."""
        for process in self.processes:
            process.kill()
        self.processes.clear()

    def oracle(self, services: Sequence[str] = ("dispatch",), *, tally: bool = False) -> Oracle:
        """Of this bed."""
        admin = self.postgres.admin_url.rpartition("/")[0] + "/yizhan"
        return Oracle(self.kafka.address, admin, services, tally=tally)

    def dispatch(
        self, mutant: str | None = None, slot: int = 0, more: Mapping[str, str] | None = None
    ) -> Process:
        """A dispatch worker, as it is or as that mutant of it; `more` for its environment."""
        module = ["services.dispatch", "worker"]
        if mutant is not None:
            module = ["tests.faults.mutant", mutant, "dispatch", "worker"]
        port = free_port()
        env = self.place.worker("dispatch") | {
            "YIZHAN_SLOT": str(slot),
            "YIZHAN_HEALTH_PORT": str(port),
            **(more or {}),
        }
        return self._process(f"dispatch-{slot}", module, env, port)

    def worker(self, service: str) -> Process:
        """The one worker of a service."""
        module = [f"services.{service}", "worker"]
        port = self.place.health_ports[service]
        return self._process(service, module, self.place.worker(service), port)

    def edge(self) -> Process:
        """Every service's API."""
        return self._process("edge", ["yizhan.edge"], self.place.edge(), self.place.port)

    def _process(self, name: str, module: list[str], env: dict[str, str], port: int) -> Process:
        process = Process(name, self.data.logs / f"{name}.log", module, env, port)
        self.processes.append(process)
        return process


class Process:
    """One of the product's processes under the test's own hand."""

    def __init__(
        self, name: str, log: Path, module: list[str], env: dict[str, str], port: int
    ) -> None:
        self._child = Child(name, log)
        self._module = module
        self._env = env
        self._port = port

    def launch(self) -> None:
        """Starts it without waiting."""
        self._child.launch(wrapped([sys.executable, "-m", *self._module]), self._env)

    async def start(self) -> None:
        """Starts it and waits until it is ready."""
        self.launch()
        await self.until_ready()

    async def until_ready(self) -> None:
        """Waits until it is ready."""
        await until(self._ready, READY_S)

    def _ready(self) -> bool:
        assert self.alive(), f"{self._child.name} ended: see {self._child.log}"
        try:
            url = f"http://{LOOPBACK}:{self._port}/readyz"
            return httpx.get(url, timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def name(self) -> str:
        """As the log is called."""
        return self._child.name

    @property
    def pid(self) -> int:
        """Its id."""
        return self._child.pid

    def alive(self) -> bool:
        """True while it runs or is frozen."""
        return self._child.alive()

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self._child.kill()

    def stop(self) -> None:
        """SIGTERM; returns when it is gone."""
        self._child.stop()

    def freeze(self) -> None:
        """SIGSTOP."""
        self._child.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._child.send(signal.SIGCONT)


@contextmanager
def ended_after(bed: Bed) -> Iterator[None]:
    """No process outlives its test."""
    try:
        yield
    finally:
        bed.end_processes()
