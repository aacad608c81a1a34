"""`yizhan token`: staff (and test) tokens in local mode, by the key in the data folder."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click

from runtime.tokens import Caller, SigningKey
from yizhan.running import data_option, folder
from yizhan.trouble import Trouble


@click.command()
@click.option(
    "--role",
    required=True,
    type=click.Choice(["reporter", "handler", "department", "operator"]),
)
@click.option("--community", "communities", multiple=True, metavar="CODE", help="Of a handler.")
@click.option("--department", "departments", multiple=True, metavar="CODE", help="Of one.")
@click.option("--subject", metavar="ID", help="Who it is [a new random id].")
@data_option
def token(
    role: str,
    communities: tuple[str, ...],
    departments: tuple[str, ...],
    subject: str | None,
    data: Path | None,
) -> None:
    """Print an access token, good for 30 minutes."""
    if role == "handler" and not communities:
        raise click.UsageError("a handler stands for a --community")
    if role == "department" and not departments:
        raise click.UsageError("a department's member stands for a --department")
    click.echo(signed(data, role, communities, departments, subject))


def signed(
    data: Path | None,
    role: str,
    communities: Iterable[str] = (),
    departments: Iterable[str] = (),
    subject: str | None = None,
) -> str:
    """A token by the data folder's key. Raises Trouble."""
    caller = Caller(
        sub=subject or str(uuid.uuid4()),
        role=role,
        session_id=str(uuid.uuid4()),
        communities=frozenset(communities),
        departments=frozenset(departments),
    )
    return _key(data).sign(caller, datetime.now(UTC))


def _key(data: Path | None) -> SigningKey:
    path = folder(data).secrets.signing_key_file
    if path.stat().st_mode & 0o077 or path.stat().st_uid != os.geteuid():
        raise Trouble(f"{path} can be read by others: not used")
    try:
        return SigningKey.read(path)
    except ValueError as error:
        raise Trouble(f"{path} is not a usable key") from error
