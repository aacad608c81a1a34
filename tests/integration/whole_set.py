"""A real PostgreSQL with the schemas of every service that this checkout has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yizhan import database
from yizhan.datafolder import DataFolder
from yizhan.embedded.postgres import Postgres
from yizhan.environment import Installation, database_place, present_services

NOWHERE = "127.0.0.1:9"
NO_PORT = 9


@contextmanager
def installation(path: Path) -> Iterator[Installation]:
    """What each process is told; there is no Kafka, and nothing listens."""
    data = DataFolder(path)
    data.make()
    services = present_services()
    server = Postgres(data.postgres)
    server.start()
    try:
        database.make(server.admin_url, services, data)
        database.migrate(server.admin_url, services, data)
        yield Installation(
            data=data,
            services=services,
            kafka=NOWHERE,
            database=database_place(server.admin_url),
            port=NO_PORT,
            internal_port=NO_PORT,
            health_ports=dict.fromkeys((*services, "edge", "monitor"), NO_PORT),
            city="xian",
            outer={},
        )
    finally:
        server.stop()
