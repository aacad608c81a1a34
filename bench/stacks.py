"""What is measured, running: the whole product by `yizhan up`, or its servers and single parts."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from yizhan import installing, servers
from yizhan.datafolder import ROOT, DataFolder
from yizhan.demo.product import Product
from yizhan.embedded.launch import wrapped
from yizhan.embedded.postgres import admin_url
from yizhan.environment import DATABASE, Installation, database_url, present_services
from yizhan.ports import free_port
from yizhan.processes import edge_spec, worker_spec
from yizhan.servers import PLAIN, until_ready
from yizhan.state import ProcessState
from yizhan.supervisor import Spec, Supervised, Supervisor

CITY = "xian"
STOP_S = 5.0
FLOOR_START_S = 30.0


def say(line: str) -> None:
    """What goes on, for people: standard error."""
    print(line, file=sys.stderr, flush=True)


def temporary() -> Path:
    """A new folder of its own."""
    return Path(tempfile.mkdtemp(prefix="yizhan-bench-"))


def quiet(_: str) -> None:
    """For the supervisor's lines."""


class Stack:
    """Servers that run with a data folder, and the processes beside them."""

    def __init__(self, data: DataFolder, kafka: str, database: str, port: int) -> None:
        self.data, self.kafka, self.database, self.port = data, kafka, database, port
        self._floors: dict[str, int] = {}

    def admin(self) -> str:
        """The product's database as its superuser sees it."""
        url = admin_url(self.data.secrets.admin_password_file, self.database.partition("/")[0])
        return f"{url.rpartition('/')[0]}/{DATABASE}?{PLAIN}"

    def role(self, service: str) -> str:
        """The URL of a service's role."""
        return database_url(self.database, service, self.data)

    def processes(self) -> list[ProcessState]:
        """What the supervisor keeps."""
        raise NotImplementedError

    def pids(self) -> dict[str, int]:
        """Everything that runs here, by name; floors too."""
        own = {each.name: each.pid for each in self.processes() if each.pid is not None}
        return own | self._floors

    def servers(self) -> dict[str, int]:
        """Kafka, PostgreSQL and the floors."""
        kept = ("kafka", "postgres", *self._floors)
        return {name: pid for name, pid in self.pids().items() if name in kept}

    @asynccontextmanager
    async def floor(self, module: str, *arguments: str) -> AsyncIterator[int]:
        """A program of bench/floors beside the product: its process id, once it says `ready`."""
        name = f"floor {module if arguments[0].isdigit() else arguments[0]}"
        env = {"PYTHONUNBUFFERED": "1", "FLOOR_DATABASE": self.admin(), "FLOOR_KAFKA": self.kafka}
        child = await asyncio.create_subprocess_exec(
            *wrapped([sys.executable, "-m", f"bench.floors.{module}", *arguments]),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env=env,
        )
        try:
            assert child.stdout is not None
            said = await asyncio.wait_for(child.stdout.readline(), FLOOR_START_S)
            if said.strip() != b"ready":
                raise RuntimeError(f"floor {module} did not start: {said.decode()}")
            self._floors[name] = child.pid
            yield child.pid
            if child.returncode is not None:
                raise RuntimeError(f"floor {module} ended with {child.returncode}")
        finally:
            self._floors.pop(name, None)
            if child.returncode is None:
                child.send_signal(signal.SIGTERM)
                await asyncio.wait_for(child.wait(), STOP_S)


class Whole(Stack):
    """`yizhan up`, as a person starts it."""

    def __init__(self, product: Product) -> None:
        state = product.state()
        super().__init__(product.data, state.kafka, state.database, int(product.url.split(":")[-1]))
        self._product = product

    def processes(self) -> list[ProcessState]:
        return self._product.state().processes


@asynccontextmanager
async def whole() -> AsyncIterator[Whole]:
    """The product, from nothing; gone afterwards."""
    product = Product(quiet, folder=temporary())
    try:
        await asyncio.to_thread(product.start)
        yield Whole(product)
    finally:
        await asyncio.to_thread(product.stop)


class Parts(Stack):
    """Kafka and PostgreSQL with the product's topics and tables, and what is started by name."""

    def __init__(self, place: Installation, supervisor: Supervisor) -> None:
        super().__init__(place.data, place.kafka, place.database, place.port)
        self._place, self._supervisor = place, supervisor
        self._kept: dict[str, Supervised] = {}
        self.states: list[ProcessState] = []

    def processes(self) -> list[ProcessState]:
        return self.states

    async def start(self, name: str) -> None:
        """The edge or a service's worker; returns when it is ready."""
        spec: Spec
        spec = edge_spec(self._place) if name == "edge" else worker_spec(self._place, name)
        self._kept[name] = self._supervisor.start(spec)
        await until_ready(self._kept[name], tries=1)

    async def stop(self, name: str) -> None:
        """Returns when it is gone."""
        await self._kept.pop(name).stop(STOP_S)


@asynccontextmanager
async def parts(services: Sequence[str] = ()) -> AsyncIterator[Parts]:
    """The servers, and nothing of the product but what these names start."""
    folder = temporary()
    data = DataFolder(folder)
    data.make()
    states: list[ProcessState] = []

    def changed(processes: list[ProcessState]) -> None:
        states[:] = processes

    supervisor = Supervisor(changed)
    try:
        found = await servers.start(supervisor, data, {}, kafka_port=None, postgres_port=None)
        await installing.prepare(found, present_services(), data)
        place = installing.place(found, present_services(), data, free_port(), CITY)
        stack = Parts(place, supervisor)
        stack.states = states
        for name in services:
            await stack.start(name)
        yield stack
    finally:
        await supervisor.stop()
        shutil.rmtree(folder, ignore_errors=True)
