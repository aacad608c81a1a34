"""What the door knows of the city: its words, its polygons, its rules for Open311."""

from __future__ import annotations

from dataclasses import dataclass

from cities.areas import Areas, load_areas
from cities.load import load_city
from cities.open311 import load_open311
from contracts.city import City, Open311Rules


@dataclass(frozen=True)
class Known:
    """All of one version of the city's files."""

    city: City
    areas: Areas
    rules: Open311Rules


def read_known(name_or_path: str) -> Known:
    """Raises CityError, "file:line: reason"."""
    return Known(load_city(name_or_path), load_areas(name_or_path), load_open311(name_or_path))
