"""Reads duplicates.yaml: which categories are one kind of matter, how near and how recent."""

from __future__ import annotations

import h3
import msgspec

from cities.marked import Marked
from cities.rows import DuplicatesFile, FamilyRow
from contracts.city import UNCATEGORISED, DuplicateRule

# The search circle must meet few cells, for each of them is a lock: it has to stay inside the
# neighbours of its own cell. Cells differ in size: edges can be 15 % under the average here.
SHARE_OF_EDGE = 0.8
MOST_HOURS = 24 * 366


class Duplicates(msgspec.Struct, frozen=True, kw_only=True):
    """The rule of each family, and the family of each category."""

    h3_resolution: int
    rules: dict[str, DuplicateRule]
    family_of: dict[str, str]


def read_duplicates(marked: Marked) -> Duplicates:
    """Checked rules; CityError at the line of what is wrong."""
    rows = marked.to(DuplicatesFile)
    if not 0 <= rows.h3_resolution <= 15:
        raise marked.error("$.h3_resolution", "an H3 resolution is between 0 and 15")
    edge_m = h3.average_hexagon_edge_length(rows.h3_resolution, unit="m")
    rules: dict[str, DuplicateRule] = {}
    family_of: dict[str, str] = {}
    for at, row in enumerate(rows.families):
        path = f"$.families[{at}]"
        if row.family in rules:
            raise marked.error(f"{path}.family", f"family {row.family} stands here twice")
        rule = _rule(row, rows)
        for name in ("distance_m", "suggest_m"):
            metres = getattr(rule, name)
            if not 0 <= metres <= edge_m * SHARE_OF_EDGE:
                most = f"0 to {edge_m * SHARE_OF_EDGE:.0f} m at h3_resolution {rows.h3_resolution}"
                raise marked.error(f"{path}.{name}", f"{metres:g} m is not in {most}")
        if not 0 < rule.window_h <= MOST_HOURS:
            raise marked.error(f"{path}.window_h", f"must be more than 0, up to {MOST_HOURS} h")
        rules[row.family] = rule
        for number, code in enumerate(row.categories):
            if family_of.setdefault(code, row.family) != row.family:
                where = f"{path}.categories[{number}]"
                raise marked.error(where, f"{code} is in family {family_of[code]} already")
    if UNCATEGORISED not in rules:
        raise marked.error("$.families", f"family {UNCATEGORISED} is missing")
    return Duplicates(h3_resolution=rows.h3_resolution, rules=rules, family_of=family_of)


def _rule(row: FamilyRow, rows: DuplicatesFile) -> DuplicateRule:
    default = rows.default
    return DuplicateRule(
        family=row.family,
        distance_m=default.distance_m if row.distance_m is None else row.distance_m,
        window_h=default.window_h if row.window_h is None else row.window_h,
        suggest_m=default.suggest_m if row.suggest_m is None else row.suggest_m,
        sameness=rows.sameness,
        in_rows=row.in_rows,
    )
