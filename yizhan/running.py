"""An installation as another command finds it: by its data folder, or by the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from yizhan import state
from yizhan.datafolder import DataFolder, default_folder
from yizhan.environment import database_place, database_url, present_services
from yizhan.trouble import Trouble

data_option = click.option(
    "--data", type=click.Path(path_type=Path), help="Data folder of `yizhan up` [.yizhan]."
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")


def folder(data: Path | None) -> DataFolder:
    """The data folder, checked. Raises Trouble."""
    found = DataFolder(data or default_folder())
    found.open()
    return found


def last_state(data: DataFolder) -> state.State:
    """The state that `up` wrote, running or not. Raises Trouble when there is none."""
    found = state.read(data.state_file)
    if found is None:
        raise Trouble(f"nothing was ever started with {data.path}")
    return found


def kafka_address(data: Path | None) -> str:
    """`YIZHAN_KAFKA`, else the running installation's. Raises Trouble."""
    if address := os.environ.get("YIZHAN_KAFKA"):
        return address
    return _running(folder(data)).kafka


def _running(data: DataFolder) -> state.State:
    found = last_state(data)
    if not state.is_up(found):
        raise Trouble("not running: start with `yizhan up`")
    if not found.kafka:
        raise Trouble("still starting: try again")
    return found


def service_urls(data: Path | None) -> dict[str, str]:
    """Each service's database URL, as its own role. Raises Trouble."""
    found = folder(data)
    if admin := os.environ.get("YIZHAN_DATABASE_URL"):
        place = database_place(admin)
    else:
        place = _running(found).database
    return {service: database_url(place, service, found) for service in present_services()}


def finding(found: bool) -> None:
    """Ends the command with 1 when something was found."""
    if found:
        raise click.exceptions.Exit(1)


def table(rows: list[dict[str, Any]], columns: list[str]) -> str:
    """Rows as aligned text with a heading."""
    cells = [columns, *([str(row.get(c, "")) for c in columns] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
