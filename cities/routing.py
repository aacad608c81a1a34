"""Reads routing.yaml: who gets a case first, and who next when it is given back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from cities.marked import Marked
from cities.rows import Row
from contracts.city import Routing

FILE = "routing.yaml"


class SpecialistRow(Row, frozen=True, kw_only=True):
    department: str
    categories: list[str]


class RoutingFile(Row, frozen=True, kw_only=True):
    border_m: Annotated[float, Meta(ge=0, le=1000)]
    nearest_m: Annotated[float, Meta(ge=0, le=20_000)]
    last_resort: list[Literal["street", "district"]]
    most_returns: Annotated[int, Meta(ge=1, le=10)]
    specialists: list[SpecialistRow]


def read_routing(
    folder: Path, categories: Collection[str], departments: Mapping[str, object]
) -> Routing:
    """Checked rules; a city without the file knows communities only. CityError at the line."""
    if not (folder / FILE).is_file():
        return Routing()
    marked = Marked(folder / FILE)
    rows = marked.to(RoutingFile)
    specialists: dict[str, str] = {}
    for at, row in enumerate(rows.specialists):
        path = f"$.specialists[{at}]"
        if row.department not in departments:
            raise marked.error(f"{path}.department", f"there is no department {row.department}")
        for number, code in enumerate(row.categories):
            where = f"{path}.categories[{number}]"
            if code not in categories:
                raise marked.error(where, f"{code} is no category")
            if specialists.setdefault(code, row.department) != row.department:
                raise marked.error(where, f"{code} goes to {specialists[code]} already")
    return Routing(
        border_m=rows.border_m,
        nearest_m=rows.nearest_m,
        last_resort=tuple(rows.last_resort),
        most_returns=rows.most_returns,
        specialists=specialists,
    )
