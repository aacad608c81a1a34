"""What another version of a city would change, line by line, for whoever replaces its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import shapely

from cities.areas import Areas
from cities.check import read_all
from cities.folder import data_files
from contracts.city import City, Community

SAME_SHAPE = 1e-6
"""Share of the area in which two outlines may differ and still be one."""
TOLD = {
    *("city.yaml", "categories.yaml", "duplicates.yaml", "rewards.yaml", "routing.yaml"),
    *("divisions.csv", "communities.geojson"),
}
"""Files whose differences are told one by one; of the others it is told that they differ."""
APART = ("version", "categories", "divisions", "aliases", "filed_under")
"""Fields that are told in another way, or follow from others."""


def differences(old: str, new: str) -> list[str]:
    """Of two cities by name or path. Each begins with `+`, `-` or `~` and says what it is about;
    empty: nothing differs. Raises CityError."""
    (before, before_areas), (after, after_areas) = read_all(old), read_all(new)
    return [
        *_communities(before_areas, after_areas),
        *_table("category", _categories(before), _categories(after)),
        *_table("division", before.divisions, after.divisions),
        *_fields(before, after),
        *_files(old, new),
    ]


def _categories(city: City) -> dict[str, Any]:
    return {each.code: each for each in city.categories}


def _communities(old: Areas, new: Areas) -> Iterator[str]:
    before, after = old.communities, new.communities
    for code in sorted(before.keys() - after.keys()):
        yield f"- community {_named(before[code])}"
    for code in sorted(after.keys() - before.keys()):
        yield f"+ community {_named(after[code])}"
    for code in sorted(before.keys() & after.keys()):
        if before[code] != after[code]:
            yield f"~ community {_named(before[code])}: now {_named(after[code])}"
        if (moved := _moved(old.outline(code), new.outline(code))) > SAME_SHAPE:
            yield f"~ community {_named(after[code])}: {moved:.1%} of its area is another"


def _named(of: Community) -> str:
    return f"{of.code} {of.district}{of.street}{of.name}"


def _moved(before: bytes, after: bytes) -> float:
    if before == after:
        return 0.0
    one, other = shapely.from_geojson(before), shapely.from_geojson(after)
    return float(shapely.symmetric_difference(one, other).area / max(one.area, other.area))


def _table(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(old.keys() - new.keys()):
        yield f"- {what} {key}"
    for key in sorted(new.keys() - old.keys()):
        yield f"+ {what} {key}"
    for key in sorted(old.keys() & new.keys()):
        if old[key] != new[key]:
            changed = _changed(old[key], new[key])
            yield f"~ {what} {key}: {', '.join(changed)}"


def _changed(old: msgspec.Struct, new: msgspec.Struct) -> list[str]:
    names = old.__struct_fields__
    return [name for name in names if getattr(old, name) != getattr(new, name)]


def _fields(old: City, new: City) -> Iterator[str]:
    for name in _changed(old, new):
        if name not in APART:
            yield f"~ {name}"


def _files(old: str, new: str) -> Iterator[str]:
    before, after = ({f.name: f for f in data_files(each)} for each in (old, new))
    for name in sorted((before.keys() | after.keys()) - TOLD):
        if name not in after:
            yield f"- {name}"
        elif name not in before:
            yield f"+ {name}"
        elif before[name].read_bytes() != after[name].read_bytes():
            yield f"~ {name}"
