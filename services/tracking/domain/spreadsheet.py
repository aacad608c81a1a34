"""Rows for spreadsheets that read UTF-8 and run no formula that a reporter wrote."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

BOM = "\ufeff"
"""Excel reads UTF-8 only behind it."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | float | None


def rows(cells: Iterable[Sequence[Cell]]) -> str:
    """The rows as CSV (RFC 4180); texts that a spreadsheet would run get a `'` in front."""
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerows([safe(each) for each in row] for row in cells)
    return "".join(lines)


def safe(cell: Cell) -> Cell:
    """Numbers as they are."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


class _Lines(list[str]):
    """What `csv` writes to: no file."""

    def write(self, line: str) -> None:
        self.append(line)
