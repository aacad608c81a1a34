"""What dispatch knows of the city: rules, polygons, what is said of every thing of a family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from itertools import chain

from cities.areas import Areas, load_areas
from cities.kept import per_version
from cities.load import load_city
from cities.phrases import load_phrases
from contracts.city import City, Phrases
from services.dispatch.domain.wording import pieces_of

Ordinary = Mapping[str, Set[str]]
"""By family, pieces of what people say of every thing of it."""


@dataclass(frozen=True)
class Known:
    """All of one version of the city's files."""

    city: City
    areas: Areas
    ordinary: Ordinary


@per_version
def read_known(name_or_path: str) -> Known:
    """Raises CityError, "file:line: reason"."""
    city = load_city(name_or_path)
    phrases = load_phrases(name_or_path, city)
    return Known(city, load_areas(name_or_path), ordinary(city, phrases))


def ordinary(city: City, phrases: Phrases) -> Ordinary:
    """From the phrases of the family's categories, and from those that fit anything."""
    found: dict[str, set[str]] = defaultdict(set)
    anything = pieces_of(chain.from_iterable(phrases.anything))
    for code, lines in phrases.by_category.items():
        found[city.family(code)] |= anything | pieces_of(chain.from_iterable(lines))
    return found
