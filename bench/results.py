"""What a measurement found: kept as JSON, measurement by measurement, and told in RESULTS.md."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.figures import Run

HERE = Path(__file__).resolve().parent
KEPT = HERE / "results.json"
PAGE = HERE / "RESULTS.md"
FINDINGS = HERE / "findings.md"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How often, how long, how much."""

    runs: int = 3
    seconds: float = 10.0
    backlog: int = 50_000

    def arguments(self) -> str:
        """As they are typed."""
        return f"--runs {self.runs} --seconds {self.seconds:g} --backlog {self.backlog}"


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """What was wanted and what was found, in words with units."""

    what: str
    aim: str
    found: str
    met: bool


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of text under a heading; `note` stands below."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. `raw`: what is measured -> its runs; `plans`: how SQL was answered."""

    title: str
    how: str
    options: Options
    tables: list[Table]
    aims: list[Aim] = []
    raw: dict[str, list[Run]] = {}
    settings: dict[str, str] = {}
    plans: dict[str, str] = {}
    at: str = msgspec.field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")


class Kept(msgspec.Struct, kw_only=True):
    """All that was measured last, by the measurement's name."""

    machine: str = ""
    results: dict[str, Result] = {}


def read() -> Kept:
    """What is kept, or nothing."""
    return msgspec.json.decode(KEPT.read_bytes(), type=Kept) if KEPT.exists() else Kept()


def keep(machine: str, name: str, result: Result, order: list[str]) -> None:
    """Puts a result in the place of the one before and writes the page anew."""
    kept = read()
    kept.machine = machine
    found = {**kept.results, name: result}
    kept.results = {each: found[each] for each in order if each in found}
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    PAGE.write_text(page(kept))


def page(kept: Kept) -> str:
    """RESULTS.md."""
    lines = [
        "# What it costs, beside the barest program that does the same",
        "",
        "Written by `make bench`; do not edit. Figures are medians of the runs. Load generator,",
        "Kafka, PostgreSQL and the product (or its floor) share one machine:",
        f"{kept.machine}.",
        "",
        "## Aims",
        "",
        *_table(
            ["what", "aim", "found", ""],
            [
                [aim.what, aim.aim, aim.found, "met" if aim.met else "**NOT MET**"]
                for result in kept.results.values()
                for aim in result.aims
            ],
        ),
        "",
    ]
    for name, result in kept.results.items():
        options = result.options
        command = (
            f"python -m bench --only {name} --runs {options.runs} --seconds {options.seconds:g}"
        )
        lines += [f"## {result.title}", "", result.how, "", f"`{command}`, {result.at}", ""]
        for table in result.tables:
            lines += [f"**{table.title}**", "", *_table(table.columns, table.rows), ""]
            lines += [table.note, ""] if table.note else []
        for what, plan in result.plans.items():
            lines += [f"**EXPLAIN, {what}**", "", "```", plan, "```", ""]
    if FINDINGS.exists():
        lines += [FINDINGS.read_text().strip(), ""]
    settings = {
        key: value for result in kept.results.values() for key, value in result.settings.items()
    }
    lines += [
        "## Settings, read back from the running servers and processes",
        "",
        *_table(["setting", "value"], [[key, value] for key, value in sorted(settings.items())]),
    ]
    return "\n".join(lines) + "\n"


def _table(columns: list[str], rows: list[list[str]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]
