"""`python -m cities.check xian`: is this city's data fit to start with? 0 yes, 2 no."""

from __future__ import annotations

import sys

from cities.areas import load_areas
from cities.load import CityError, load_city
from cities.notices import load_notices
from cities.phrases import load_phrases

USAGE = "usage: python -m cities.check NAME_OR_FOLDER"


def main(arguments: list[str]) -> int:
    """Prints one line: what the city has, or where it is broken."""
    if len(arguments) != 1:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        city, areas = load_city(arguments[0]), load_areas(arguments[0])
        load_notices(arguments[0])
        load_phrases(arguments[0], city)
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
