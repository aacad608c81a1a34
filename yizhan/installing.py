"""From running servers to an installation: topics, tables, addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from yizhan import database, topics
from yizhan.datafolder import DataFolder
from yizhan.environment import Installation, database_place
from yizhan.ports import free_ports
from yizhan.servers import Servers
from yizhan.supervisor import say


async def prepare(found: Servers, services: Sequence[str], data: DataFolder) -> None:
    """Declares the topics and brings every schema up to date. Raises Trouble."""
    await asyncio.gather(
        topics.declare(found.kafka), asyncio.to_thread(_migrate, found, services, data)
    )


def _migrate(found: Servers, services: Sequence[str], data: DataFolder) -> None:
    database.make(found.database, services, data)
    for service, revisions in database.migrate(found.database, services, data).items():
        if revisions:
            say(f"{service:<9} migrated {' '.join(revisions)}")


def place(
    found: Servers, services: Sequence[str], data: DataFolder, port: int, city: str
) -> Installation:
    """Where everything will be; the ports that nobody names are free ones."""
    names = [*services, "edge", "monitor"]
    internal, *health = free_ports(1 + len(names))
    return Installation(
        data=data,
        services=services,
        kafka=found.kafka,
        database=database_place(found.database),
        port=port,
        internal_port=internal,
        health_ports=dict(zip(names, health, strict=True)),
        city=city,
    )
