"""Every service that this checkout has, on one real PostgreSQL; no broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from yizhan import database
from yizhan.datafolder import DataFolder
from yizhan.embedded.postgres import Postgres
from yizhan.environment import Installation, database_place, database_url, present_services

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
                port=9,
                internal_port=9,
                health_ports=ports,
                city="xian",
                outer={},
            )
        )
    finally:
        server.stop()


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
