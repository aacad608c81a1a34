"""What tracking knows of the city: its words and its polygons."""

from __future__ import annotations

from dataclasses import dataclass

from cities.areas import Areas, load_areas
from cities.load import load_city
from contracts.city import City


@dataclass(frozen=True)
class Known:
    """Both of one version of the city's files."""

    city: City
    areas: Areas


def read_known(name_or_path: str) -> Known:
    """Raises CityError, "file:line: reason"."""
    return Known(load_city(name_or_path), load_areas(name_or_path))
