"""Every service that this checkout has, on one real PostgreSQL; no broker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from runtime.tokens import SigningKey
from tests.integration.running import ROOT, START_S, wait_for
from yizhan import database
from yizhan.datafolder import DataFolder
from yizhan.embedded.postgres import Postgres
from yizhan.environment import Installation, database_place, database_url, present_services
from yizhan.ports import free_port

NOWHERE = "127.0.0.1:9"
SERVICES = present_services()


@dataclass(frozen=True)
class Product:
    """A made and migrated database, and what the processes are told of it."""

    installation: Installation

    def edge(self) -> dict[str, str]:
        """The edge's environment."""
        return self.installation.edge()

    def worker(self, service: str) -> dict[str, str]:
        """A worker's environment."""
        return self.installation.worker(service)

    def key(self) -> SigningKey:
        """What signs this installation's tokens."""
        return SigningKey.read(self.installation.data.secrets.signing_key_file)

    def url(self, service: str) -> str:
        """The database as that service's role sees it."""
        return database_url(self.installation.database, service, self.installation.data)


@contextmanager
def product(path: Path) -> Iterator[Product]:
    """All services' schemas on a server of their own."""
    data = DataFolder(path)
    data.make()
    server = Postgres(data.postgres)
    server.start()
    try:
        database.make(server.admin_url, SERVICES, data)
        database.migrate(server.admin_url, SERVICES, data)
        ports = dict.fromkeys((*SERVICES, "edge", "monitor"), 0)
        yield Product(
            Installation(
                data=data,
                services=SERVICES,
                kafka=NOWHERE,
                database=database_place(server.admin_url),
                port=free_port(),
                internal_port=free_port(),
                health_ports=ports,
                city="xian",
                outer={},
            )
        )
    finally:
        server.stop()


@contextmanager
def edge(found: Product, log: Path) -> Iterator[str]:
    """The edge as a process of its own; its origin once it answers."""
    origin = found.installation.url
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "yizhan.edge"],
            cwd=ROOT,
            env=os.environ | found.edge(),
            stdout=out,
            stderr=out,
        )

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx.get(f"{origin}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(answers, START_S)
        yield origin
    finally:
        process.terminate()
        process.wait(15)


TABLES = """
select relname from pg_class
where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')
  and not relispartition
order by relname
"""


def tables(url: str) -> list[str]:
    """The tables of a role's own schema, without their partitions."""
    with psycopg.connect(url) as connection:
        return [str(row[0]) for row in connection.execute(TABLES)]
