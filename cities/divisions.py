"""Reads divisions.csv: city, districts, streets and communities with their 12-digit codes."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import get_args

from cities.marked import CityError, read_text
from contracts.city import Division, DivisionLevel

COLUMNS = ["code", "name", "level", "parent_code"]
CODE = re.compile(r"^\d{12}$")
LEVELS = get_args(DivisionLevel)


def read_divisions(file: Path) -> dict[str, Division]:
    """Divisions by code, parents before children; CityError at the line of what is wrong."""
    reader = csv.reader(read_text(file).splitlines())
    if next(reader, None) != COLUMNS:
        raise CityError(file, 1, f"the columns must be {','.join(COLUMNS)}")
    divisions: dict[str, Division] = {}
    for row in reader:
        division = _division(file, reader.line_num, row)
        if division.code in divisions:
            raise CityError(file, reader.line_num, f"{division.code} stands here twice")
        if division.level != "city" and division.parent_code not in divisions:
            reason = f"{division.code} stands before its parent {division.parent_code or '(none)'}"
            raise CityError(file, reader.line_num, reason)
        divisions[division.code] = division
    return divisions


def _division(file: Path, line: int, row: list[str]) -> Division:
    if len(row) != len(COLUMNS):
        raise CityError(file, line, f"{len(row)} columns instead of {len(COLUMNS)}")
    code, name, level, parent_code = row
    if not CODE.match(code):
        raise CityError(file, line, f"{code!r} is not a 12-digit code")
    if not name:
        raise CityError(file, line, f"{code} has no name")
    for known in LEVELS:
        if level == known:
            return Division(code, name, known, parent_code)
    raise CityError(file, line, f"{level!r} is not one of {', '.join(LEVELS)}")
