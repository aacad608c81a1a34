"""`yizhan status | lag | dlq`: looks into a running installation; finds, or changes one thing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg
from aiokafka.errors import KafkaError
from psycopg.rows import dict_row

from runtime.lag import LagReader
from yizhan import state
from yizhan.environment import present_services
from yizhan.running import (
    data_option,
    finding,
    folder,
    json_option,
    kafka_address,
    last_state,
    service_urls,
    table,
)
from yizhan.trouble import Trouble

_LETTERS = """
select topic, partition, "offset", event_id::text, reason, at::text
from dead_letters order by topic, partition, "offset" limit 1000
"""


@click.command()
@data_option
@json_option
def status(data: Path | None, as_json: bool) -> None:
    """Show the processes of `yizhan up`; exit 1 when one is not ready or nothing runs."""
    found = last_state(folder(data))
    up = state.is_up(found)
    for process in found.processes:
        if not state.runs(process):
            process.pid, process.started_ticks = None, None
            process.state = process.state if up and process.state == "backoff" else "stopped"
    healthy = up and found.ready and all(each.state == "ready" for each in found.processes)
    answer = {"up": up, "healthy": healthy} | msgspec.to_builtins(found)
    answer["ready"] = up and found.ready
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo(f"{'up' if up else 'not running'}  {found.url}")
        columns = ["name", "state", "pid", "restarts", "port"]
        click.echo(table(answer["processes"], columns))
    finding(not healthy)


@click.command()
@data_option
@json_option
def lag(data: Path | None, as_json: bool) -> None:
    """Show each group's lag, asked from the broker; exit 1 when somebody is behind."""
    rows = asyncio.run(_lag(kafka_address(data)))
    behind = sum(row["lag"] for row in rows)
    if as_json:
        click.echo(json.dumps({"lag": behind, "partitions": rows}, indent=2))
    else:
        shown = [row for row in rows if row["lag"]]
        click.echo(table(shown, ["group", "topic", "partition", "committed", "end", "lag"]))
        click.echo(f"lag {behind}")
    finding(behind > 0)


async def _lag(kafka: str) -> list[dict[str, Any]]:
    if not present_services():
        return []
    reader = LagReader(kafka)
    try:
        await reader.start()
        found = await reader.read(present_services())
    except (KafkaError, OSError, TimeoutError) as error:
        raise Trouble(f"Kafka at {kafka} does not answer") from error
    finally:
        await reader.stop()
    return [msgspec.to_builtins(each) | {"lag": each.behind} for each in found]


@click.group()
def dlq() -> None:
    """Dead letters: events that no retry could make good."""


@dlq.command("list")
@data_option
@json_option
def list_(data: Path | None, as_json: bool) -> None:
    """List dead letters (without their bodies) and halted consumers; exit 1 when there is one."""
    letters, halts = [], []
    for service, url in service_urls(data).items():
        letters += _rows(
            url,
            _LETTERS,
            service,
        )
        halts += _rows(url, "select topic, reason, at::text from halts", service)
    if as_json:
        click.echo(json.dumps({"dead_letters": letters, "halts": halts}, indent=2))
    else:
        columns = ["service", "topic", "partition", "offset", "event_id", "reason"]
        click.echo(table(letters, columns))
        for each in halts:
            click.echo(f"halted: {each['service']} on {each['topic']}: {each['reason']}")
    finding(bool(letters or halts))


@dlq.command()
@data_option
@click.option("--service", help="Only this service.")
def resume(data: Path | None, service: str | None) -> None:
    """Let halted consumers go on."""
    urls = service_urls(data)
    if service is not None and service not in urls:
        raise click.UsageError(f"there is no service {service!r}: {', '.join(urls)}")
    for name, url in urls.items():
        if service in (None, name):
            for row in _rows(url, "delete from halts returning topic", name):
                click.echo(f"resumed: {name} on {row['topic']}")


def _rows(url: str, query: str, service: str) -> list[dict[str, Any]]:
    try:
        with psycopg.connect(url, connect_timeout=5, row_factory=dict_row) as connection:
            rows = connection.execute(query.encode()).fetchall()
    except psycopg.Error as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise Trouble(f"the database of {service} does not answer: {reason}") from error
    return [{"service": service} | row for row in rows]
