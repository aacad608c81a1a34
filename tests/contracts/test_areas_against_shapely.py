"""The index answers as shapely does by brute force, for every border vertex and 10,000 points."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from cities.areas import Areas, load_areas
from cities.folder import city_folder

SEED = 20261124
POINTS = 10_000
XIAN = city_folder("xian")


@pytest.fixture(scope="module")
def areas() -> Areas:
    return load_areas("xian")


@pytest.fixture(scope="module")
def shipped() -> tuple[list[str], Any]:
    """Codes in ascending order and their geometries, read without our reader."""
    features = json.loads((XIAN / "communities.geojson").read_text(encoding="utf-8"))["features"]
    features.sort(key=lambda feature: feature["properties"]["code"])
    codes = [feature["properties"]["code"] for feature in features]
    return codes, np.array([shape(feature["geometry"]) for feature in features], dtype=object)


def brute_force(shipped: tuple[list[str], Any], places: Any) -> list[str | None]:
    """Every polygon in the order of codes against all points that have no answer yet.

    No tree and no prepared geometry: only a comparison with the box, which `covers` implies.
    """
    codes, geometries = shipped
    dots = shapely.points(places[:, 1], places[:, 0])
    answers = np.full(len(places), -1)
    for number, geometry in enumerate(geometries):
        west, south, east, north = geometry.bounds
        lat, lon = places[:, 0], places[:, 1]
        boxed = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        open_ones = np.flatnonzero(boxed & (answers < 0))
        covered = open_ones[shapely.covers(geometry, dots[open_ones])]
        answers[covered] = number
    return [codes[answer] if answer >= 0 else None for answer in answers]


def seeded_points(shipped: tuple[list[str], Any]) -> Any:
    """(lat, lon) all over the city's box, some of them outside."""
    west, south, east, north = shapely.total_bounds(shipped[1])
    random = np.random.default_rng(SEED)
    lat = random.uniform(south - 0.05, north + 0.05, POINTS)
    lon = random.uniform(west - 0.05, east + 0.05, POINTS)
    return np.column_stack([lat, lon])


def vertices(shipped: tuple[list[str], Any]) -> Any:
    """Every vertex of every ring, once."""
    east_north = np.unique(shapely.get_coordinates(shipped[1]), axis=0)
    return east_north[:, ::-1]


def codes_of(found: list[Any]) -> list[str | None]:
    return [None if each is None else each.code for each in found]


def test_seeded_points(areas: Areas, shipped: tuple[list[str], Any]) -> None:
    places = seeded_points(shipped)
    expected = brute_force(shipped, places)
    pairs = [(float(lat), float(lon)) for lat, lon in places]
    assert codes_of(areas.communities_at(pairs)) == expected
    assert codes_of([areas.community_at(*pair) for pair in pairs]) == expected
    answered = sum(code is not None for code in expected)
    assert 0.2 * POINTS < answered < 0.9 * POINTS


def test_every_border_vertex(areas: Areas, shipped: tuple[list[str], Any]) -> None:
    places = vertices(shipped)
    expected = brute_force(shipped, places)
    pairs = [(float(lat), float(lon)) for lat, lon in places]
    assert None not in expected
    assert codes_of(areas.communities_at(pairs)) == expected
    assert codes_of([areas.community_at(*pair) for pair in pairs]) == expected
