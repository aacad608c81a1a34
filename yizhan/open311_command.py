"""`yizhan open311 key add | list | revoke`: who may post through the Open311 door."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psycopg
from psycopg.rows import dict_row

from yizhan.running import data_option, json_option, service_urls, table
from yizhan.trouble import Trouble

PREFIX = "yz311_"
_ADD = """
insert into api_clients (name, key_hash) values (%s, %s)
returning id::text, name, created_at::text
"""
_LIST = """
select id::text, name, created_at::text, revoked_at::text from api_clients order by created_at, id
"""
_REVOKE = """
update api_clients set revoked_at = clock_timestamp()
where (id::text = %(which)s or name = %(which)s) and revoked_at is null
returning id::text, name, revoked_at::text
"""


@click.group()
def open311() -> None:
    """The Open311 GeoReport v2 interface."""


@open311.group()
def key() -> None:
    """Keys of systems that post requests (api_key); only their hashes are kept."""


@key.command()
@click.argument("name")
@data_option
@json_option
def add(name: str, data: Path | None, as_json: bool) -> None:
    """Make a key for the system NAME and show it, this once; exit 1 when NAME has one."""
    name = name.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise click.UsageError("NAME has 1 to 100 printable characters")
    made = PREFIX + secrets.token_urlsafe(32)
    try:
        rows = _rows(data, _ADD, (name, hashlib.sha256(made.encode()).digest()))
    except psycopg.errors.UniqueViolation as error:
        raise Trouble(f"{name} has a key: revoke it first, or take another name") from error
    if as_json:
        click.echo(json.dumps(rows[0] | {"key": made}, ensure_ascii=False, indent=2))
    else:
        click.echo(made)
        click.echo("This key is not shown again.", err=True)


@key.command("list")
@data_option
@json_option
def show(data: Path | None, as_json: bool) -> None:
    """Show whose keys there are, revoked ones too; never a key."""
    rows = _rows(data, _LIST)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        shown = [row | {"revoked_at": row["revoked_at"] or ""} for row in rows]
        click.echo(table(shown, ["id", "name", "created_at", "revoked_at"]))


@key.command()
@click.argument("which", metavar="ID_OR_NAME")
@data_option
@json_option
def revoke(which: str, data: Path | None, as_json: bool) -> None:
    """End a key at once; exit 1 when there is none that lives."""
    rows = _rows(data, _REVOKE, {"which": which})
    if not rows:
        raise Trouble(f"{which} has no living key")
    if as_json:
        click.echo(json.dumps(rows[0], ensure_ascii=False, indent=2))
    else:
        click.echo(f"revoked {rows[0]['name']}")


def _rows(data: Path | None, query: str, values: Any = None) -> list[dict[str, Any]]:
    """What intake's database answers. Raises Trouble, UniqueViolation."""
    with _connected(data) as connection:
        return connection.execute(query.encode(), values).fetchall()


@contextmanager
def _connected(data: Path | None) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    try:
        url = service_urls(data)["intake"]
        with psycopg.connect(url, connect_timeout=5, row_factory=dict_row) as connection:
            yield connection
    except psycopg.errors.UniqueViolation:
        raise
    except psycopg.Error as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise Trouble(f"the database of intake does not answer: {reason}") from error
