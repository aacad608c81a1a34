"""What intake knows of the city: its rules, its polygons, its words, who of its staff is who."""

from __future__ import annotations

from dataclasses import dataclass

from cities.areas import Areas, load_areas
from cities.cells import cell
from cities.kept import per_version
from cities.load import load_city
from cities.phrases import load_phrases
from cities.staff import load_staff
from contracts.city import City
from contracts.staff import StaffTable
from services.intake.domain.gazetteer import Gazetteer
from services.intake.domain.report import Rules
from services.intake.domain.words import Words


@dataclass(frozen=True)
class Known:
    """All of one version of the city's files. `rules`: the city as the domain asks it."""

    city: City
    areas: Areas
    rules: Rules
    staff: StaffTable


@per_version
def read_known(name_or_path: str) -> Known:
    """Raises CityError. Learning the phrases takes a part of a second."""
    city, areas = load_city(name_or_path), load_areas(name_or_path)
    rules = Rules(
        city=city,
        inside=areas.inside_city,
        cell=lambda lat, lon: cell(lat, lon, city.h3_resolution),
        read=Words(load_phrases(name_or_path, city), city.aliases).candidates,
        hints=Gazetteer(areas.communities.values()).hints,
    )
    return Known(city, areas, rules, load_staff(name_or_path, city, areas))
