"""`yizhan city check | diff`: is a city's folder fit to be used, and what would it change."""

from __future__ import annotations

import json

import click

from cities.check import read_all
from cities.diff import differences
from yizhan.running import finding, json_option


@click.group()
def city() -> None:
    """A city's folder: by its name when it is shipped, else by its path."""


@city.command()
@click.argument("folder")
@json_option
def check(folder: str, as_json: bool) -> None:
    """Read all of a city; a broken file is exit 2 with file, line and reason."""
    found, areas = read_all(folder)
    shapes = "synthetic" if areas.synthetic else "official"
    figures = {
        "name": found.name.en,
        "version": found.version,
        "categories": len(found.categories),
        "communities": len(areas.communities),
        "outlines": shapes,
    }
    if as_json:
        click.echo(json.dumps(figures, ensure_ascii=False))
    else:
        click.echo("  ".join(f"{name} {value}" for name, value in figures.items()))


@city.command()
@click.argument("old")
@click.argument("new")
@json_option
def diff(old: str, new: str, as_json: bool) -> None:
    """Show what NEW would change of OLD, a line each; exit 1 when something differs.

    Put the new files in the place of the old ones: every service takes them within seconds, all of
    them or none.
    """
    found = differences(old, new)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
    elif found:
        click.echo("\n".join(found))
    finding(bool(found))
