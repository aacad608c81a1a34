"""`python -m cities.check xian`: is this city's data fit to start with? 0 yes, 2 no."""

from __future__ import annotations

import sys

from cities.areas import Areas, load_areas
from cities.load import CityError, load_city
from cities.notices import load_notices
from cities.phrases import load_phrases
from cities.staff import load_staff
from contracts.city import City

USAGE = "usage: python -m cities.check NAME_OR_FOLDER"


def read_all(name_or_path: str) -> tuple[City, Areas]:
    """Everything that a city has, so that nothing broken is passed over. Raises CityError."""
    city, areas = load_city(name_or_path), load_areas(name_or_path)
    load_notices(name_or_path)
    load_phrases(name_or_path, city)
    load_staff(name_or_path, city, areas)
    return city, areas


def main(arguments: list[str]) -> int:
    """Prints one line: what the city has, or where it is broken."""
    if len(arguments) != 1:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        city, areas = read_all(arguments[0])
    except CityError as error:
        print(error, file=sys.stderr)
        return 2
    shapes = "synthetic" if areas.synthetic else "official"
    print(
        f"{city.name.en} {city.version}: {len(city.categories)} categories,"
        f" {len(areas.communities)} communities ({shapes} outlines), {city.timezone}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
