"""What every floor stands on: the product's own settings, a few tables, a few topics."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Any

import asyncpg
import uvicorn
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from fastapi import FastAPI

from runtime.db import nothing_to_reset
from runtime.producer import SETTINGS
from services.intake.settings import Own
from yizhan.edge import uvicorn_config
from yizhan.topics import admin

POOL_SIZE: int = Own.pool_size
"""As many connections as intake's API may open."""
PARTITIONS = 8
TOPICS = ("floor-submissions", "floor-reports", "floor-cases")
_TABLES = """
drop schema if exists floor cascade;
create schema floor;
create table floor.submissions (id uuid primary key, body bytea not null);
create table floor.reports (id uuid primary key, body bytea not null);
create table floor.cases (id uuid primary key, body bytea not null);
create table floor.feed (
    no bigint generated always as identity primary key, id uuid not null, body bytea not null
);
"""


@dataclass(frozen=True)
class Place:
    """Where the servers are."""

    database: str
    kafka: str

    @classmethod
    def of_environment(cls) -> Place:
        """As the bench said it."""
        return cls(os.environ["FLOOR_DATABASE"], os.environ["FLOOR_KAFKA"])

    async def pool(self) -> Any:
        """Connections as many as the product's."""
        return await asyncpg.create_pool(
            self.database,
            min_size=1,
            max_size=POOL_SIZE,
            reset=nothing_to_reset,
            server_settings={"search_path": "floor", "application_name": "floor"},
        )

    async def session(self) -> Any:
        """A connection beside the pool, for LISTEN."""
        return await asyncpg.connect(self.database, server_settings={"search_path": "floor"})

    async def producer(self) -> Any:
        """Set as the product's, acks=all."""
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, **SETTINGS)
        await producer.start()
        return producer


async def lay(database: str, kafka: str) -> None:
    """The floors' tables anew, and their topics."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(_TABLES)
    finally:
        await connection.close()
    async with admin(kafka) as client:
        await client.create_topics([NewTopic(name, PARTITIONS, 1) for name in TOPICS])


async def serve(app: FastAPI, port: int) -> None:
    """As the product's edge serves, until SIGTERM; says `ready`."""
    server = uvicorn.Server(uvicorn_config(app, port))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    ready()
    await serving


def ready() -> None:
    """Tells the bench."""
    print("ready", flush=True)
