"""Asks servers and processes what they really run with."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import psutil
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from bench.stacks import Stack
from runtime.producer import SETTINGS
from yizhan.topics import admin

_SHOWN = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_connections",
)
_SESSIONS = """
select coalesce(nullif(application_name, ''), usename) as name, count(*) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() group by 1 order by 1
"""
FSYNCS = 200


async def of_servers(stack: Stack) -> dict[str, str]:
    """PostgreSQL as a service's role and as the floors see it, and Kafka's topics."""
    found = {}
    for who, url in (("intake's role", stack.role("intake")), ("the floors", stack.admin())):
        connection = await asyncpg.connect(url)
        try:
            for name in _SHOWN:
                found[f"PostgreSQL {name}, for {who}"] = await connection.fetchval(f"show {name}")
        finally:
            await connection.close()
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, name) for name in ("submissions", "floor-reports")
    ]
    async with admin(stack.kafka) as client:
        for answer in await client.describe_configs(asked):
            for resource in answer.resources:
                config = {entry[0]: entry[1] for entry in resource[4]}
                kept = ("min.insync.replicas", "flush.messages", "compression.type")
                words = ", ".join(f"{name}={config[name]}" for name in kept)
                found[f"Kafka topic {resource[3]}"] = words
    producer = ", ".join(f"{name}={value}" for name, value in SETTINGS.items())
    return found | {"producers, one settings table for product and floors": producer}


async def sessions(stack: Stack) -> dict[str, str]:
    """Open database connections by application: the pools, as the server sees them under load."""
    connection = await asyncpg.connect(stack.admin())
    try:
        rows = await connection.fetch(_SESSIONS)
    finally:
        await connection.close()
    return {f"database sessions under load: {row['name']}": str(row["count"]) for row in rows}


def of_processes(pids: Mapping[str, int]) -> dict[str, str]:
    """Which event loop and HTTP parser a Python process has loaded."""
    found = {}
    for name, pid in pids.items():
        maps = Path(f"/proc/{pid}/maps").read_text()
        if "uvloop" in maps or "httptools" in maps:
            loop = "uvloop" if "/uvloop/" in maps else "asyncio"
            parser = "httptools" if "/httptools/" in maps else "none or h11"
            found[f"process {name}"] = f"loop {loop}, HTTP parser {parser}"
    return found


def machine(folder: Path) -> str:
    """In words; `folder` is where one fsync is timed."""
    kernel = re.match(r"\d+\.\d+", platform.release())
    memory = round(psutil.virtual_memory().total / 2**30)
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {memory} GiB of memory, "
        f"{platform.system()} {kernel[0] if kernel else ''}, Python {platform.python_version()}, "
        f"an fsync of 8 KiB takes {_fsync_ms(folder):.2f} ms"
    )


def _fsync_ms(folder: Path) -> float:
    path = folder / "fsync"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    took = []
    try:
        for _ in range(FSYNCS):
            began = time.perf_counter()
            os.pwrite(descriptor, os.urandom(8192), 0)
            os.fsync(descriptor)
            took.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()
    return sorted(took)[FSYNCS // 2] * 1e3
