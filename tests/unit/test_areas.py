"""Borders, holes, multipolygons and gaps on shapes small enough to see."""

from __future__ import annotations

import pytest
import shapely

from cities.areas import PolygonIndex, load_areas

# Squares of one degree: A west of B, C with a hole in it, D in two parts; E lies over D's first.
SHAPES = {
    "A": "POLYGON((0 0,1 0,1 1,0 1,0 0))",
    "B": "POLYGON((1 0,2 0,2 1,1 1,1 0))",
    "C": "POLYGON((0 2,3 2,3 5,0 5,0 2),(1 3,2 3,2 4,1 4,1 3))",
    "D": "MULTIPOLYGON(((5 0,6 0,6 1,5 1,5 0)),((7 0,8 0,8 1,7 1,7 0)))",
    "E": "POLYGON((5 0,6 0,6 1,5 1,5 0))",
}
# in no order, as a file may be
ORDER = ["D", "B", "E", "A", "C"]
INDEX = PolygonIndex(ORDER, [shapely.from_wkt(SHAPES[name]) for name in ORDER])

POINTS = [
    # lat, lon, who answers
    (0.5, 0.5, "A"),
    (0.5, 1.5, "B"),
    (0.5, 1.0, "A"),  # the common border: the lowest code
    (1.0, 1.0, "A"),  # the common corner
    (0.0, 2.0, "B"),  # a corner of one alone
    (2.5, 0.5, "C"),
    (3.5, 1.5, None),  # in the hole
    (3.0, 1.5, "C"),  # on the border of the hole
    (0.5, 5.5, "D"),  # two cover it
    (0.5, 6.5, None),  # between the parts
    (0.5, 7.5, "D"),
    (0.5, 8.0, "D"),
    (0.5, 8.0000001, None),
    (9.0, 9.0, None),
    (float("nan"), 0.5, None),
    (0.5, float("inf"), None),
]


@pytest.mark.parametrize(("lat", "lon", "name"), POINTS)
def test_who_answers(lat: float, lon: float, name: str | None) -> None:
    at = INDEX.first_at(lat, lon)
    assert (None if at is None else INDEX.codes[at]) == name


def test_many_at_once() -> None:
    found = INDEX.first_at_each([(lat, lon) for lat, lon, _ in POINTS])
    names = [None if at is None else INDEX.codes[at] for at in found]
    assert names == [name for _, _, name in POINTS]
    assert INDEX.first_at_each([]) == []


def test_the_city() -> None:
    areas = load_areas("xian")
    bell_tower = areas.community_at(34.2610, 108.9424)
    assert bell_tower is not None
    assert bell_tower.code.startswith(bell_tower.street_code)
    assert areas.communities[bell_tower.code] == bell_tower
    assert areas.inside_city(34.2610, 108.9424)
    assert not areas.inside_city(39.9, 116.4)
    assert areas.community_at(39.9, 116.4) is None
    assert areas.communities_at([(34.2610, 108.9424), (39.9, 116.4)]) == [bell_tower, None]
    outline = shapely.from_geojson(areas.outline(bell_tower.code))
    assert shapely.covers(outline, shapely.points(108.9424, 34.2610))
