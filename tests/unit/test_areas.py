"""Borders, holes, multipolygons and gaps on shapes small enough to see."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import shapely

from cities.areas import Distances, PolygonIndex, load_areas
from cities.folder import city_folder
from contracts.city import Surroundings

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


DISTANCES = Distances(INDEX.geometries)
"""On a plane around latitude 2.5: a degree of latitude has 111,195 m."""


@pytest.mark.parametrize(
    ("lat", "lon", "most_m", "names"),
    [
        (0.5, 0.999, 200, ["A", "B"]),  # in A, 111 m from B
        (0.5, 0.999, 100, ["A"]),
        (0.5, 1.001, 200, ["B", "A"]),
        (3.5, 1.001, 200, ["C"]),  # in the hole, near its border
        (3.5, 1.5, 50_000, []),
        (3.5, 1.5, 60_000, ["C"]),
        (0.5, 6.5, 60_000, ["D", "E"]),  # as far from one part of D as from E: by the code
        (0.5, 0.5, 0, []),
    ],
)
def test_how_near(lat: float, lon: float, most_m: float, names: list[str]) -> None:
    found = DISTANCES.within([(9.0, 9.0), (lat, lon)], [most_m] * 2)
    assert found[0] == []
    assert [INDEX.codes[at] for at in found[1]] == names


def test_where_no_community_is(tmp_path: Path) -> None:
    """Xi'an without one of its communities: its nearest neighbour, then its street and district."""
    folder = tmp_path / "city"
    shutil.copytree(city_folder("xian"), folder)
    file = folder / "communities.geojson"
    layer = json.loads(file.read_text())
    gone = layer["features"][500]
    layer["features"] = [each for each in layer["features"] if each is not gone]
    file.write_text(json.dumps(layer))
    areas = load_areas(str(folder))
    shape = shapely.from_geojson(json.dumps(gone["geometry"]))
    middle = shapely.point_on_surface(shape)
    code, (lon, lat) = gone["properties"]["code"], (middle.x, middle.y)
    near = areas.surroundings([(lat, lon)], 30, 20_000)[0]
    far = areas.surroundings([(lat, lon)], 30, 0)
    assert near.community is None and len(near.near) == 3
    assert near.near[0] in areas.communities
    assert far == [Surroundings(street=code[:9], district=code[:6])]
    assert areas.owners[code[:9]].name == gone["properties"]["street"]
    assert areas.owners[code[:6]].name == gone["properties"]["district"]


def test_the_city_has_its_borders() -> None:
    """As the index of its districts answers: on a border, and just beside it."""
    areas = load_areas("xian")
    corners = shapely.get_coordinates(areas._city.geometries)[::40]
    for lon, lat in corners:
        for north in (-1e-7, 0.0, 1e-7):
            covered = areas._city.first_at(lat + north, lon) is not None
            assert areas.inside_city(lat + north, lon) == covered
    assert not areas.inside_city(float("nan"), 108.9)
