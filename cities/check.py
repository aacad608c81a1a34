"""All of a city's files, so that nothing broken is passed over."""

from __future__ import annotations

from cities.areas import Areas, load_areas
from cities.load import load_city
from cities.notices import load_notices
from cities.open311 import load_open311
from cities.phrases import load_phrases
from cities.staff import load_staff
from contracts.city import City


def read_all(name_or_path: str) -> tuple[City, Areas]:
    """The city and its areas; whatever else it has was read too. Raises CityError."""
    city, areas = load_city(name_or_path), load_areas(name_or_path)
    load_notices(name_or_path)
    load_phrases(name_or_path, city)
    load_staff(name_or_path, city, areas)
    load_open311(name_or_path)
    return city, areas
