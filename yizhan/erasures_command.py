"""`yizhan erasures`: who is forgotten, and forgetting them again after an older dump came back."""

from __future__ import annotations

import json
from pathlib import Path

import click
import psycopg

from yizhan.running import data_option, finding, json_option, service_urls
from yizhan.trouble import Trouble

_KNOWN = "select reporter_id from erased"
_FORGET = """
insert into jobs (kind, ref, payload, due_at)
select 'forget', reporter_id, '{}', clock_timestamp() from unnest(%s::text[]) as reporter_id
on conflict do nothing
"""


@click.group()
def erasures() -> None:
    """People who asked to be forgotten."""


@erasures.command()
@data_option
@json_option
def check(data: Path | None, as_json: bool) -> None:
    """Count whom each service has forgotten; exit 1 when one does not know of another's."""
    missing, total = _missing(service_urls(data))
    lacking = {service: len(ids) for service, ids in missing.items() if ids}
    if as_json:
        click.echo(json.dumps({"erased": total, "missing": lacking}, indent=2))
    else:
        click.echo(f"erased {total}")
        for service, count in lacking.items():
            click.echo(f"{service} does not know of {count}: yizhan erasures reapply")
    finding(bool(lacking))


@erasures.command()
@data_option
@click.option(
    "--ids",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file of further reporter ids, one a line (every schema came back from a dump).",
)
def reapply(data: Path | None, ids: Path | None) -> None:
    """Let every service forget whomever any of them has forgotten; after restoring a dump.

    The services' workers do it within seconds, or as soon as they are started.
    """
    urls = service_urls(data)
    missing, _ = _missing(urls)
    further = set(ids.read_text(encoding="utf-8").split()) if ids else set()
    for service, url in urls.items():
        wanted = sorted(missing[service] | further)
        with _connected(service, url) as connection:
            connection.execute(_FORGET.encode(), (wanted,))
        click.echo(f"{service}: {len(wanted)} to forget")


def _missing(urls: dict[str, str]) -> tuple[dict[str, set[str]], int]:
    """By service: whom only others know to be forgotten; how many are known in all."""
    known = {}
    for service, url in urls.items():
        with _connected(service, url) as connection:
            known[service] = {row[0] for row in connection.execute(_KNOWN.encode())}
    everybody = set().union(*known.values())
    return {service: everybody - ids for service, ids in known.items()}, len(everybody)


def _connected(service: str, url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, connect_timeout=5)
    except psycopg.Error as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise Trouble(f"the database of {service} does not answer: {reason}") from error
