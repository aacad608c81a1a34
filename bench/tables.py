"""Tables that several measurements show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.cpu import GENERATOR
from bench.figures import Run, figure
from bench.results import Table

_CPU = "cpu_s "


def pair(run: Run, name: str) -> str:
    """p50 / p99 in ms."""
    return f"{figure(run[f'{name}_p50_ms'])} / {figure(run[f'{name}_p99_ms'])}"


def cpu_table(
    title: str, middle: Mapping[str, Run], names: Sequence[str], seconds: float | None = None
) -> Table:
    """CPU seconds that each process used while each of these was measured."""
    used = [key.removeprefix(_CPU) for key in middle[names[0]] if key.startswith(_CPU)]
    columns = [name for name in used if name != GENERATOR] + [GENERATOR]
    rows = [[name, *(figure(middle[name][_CPU + column]) for column in columns)] for name in names]
    during = f" in {seconds:g} s" if seconds else ""
    return Table(title=f"{title}: seconds used{during}", columns=["", *columns], rows=rows)
