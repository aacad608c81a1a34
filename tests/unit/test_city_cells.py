"""The cells of a search circle miss nothing."""

from __future__ import annotations

from math import cos, pi, radians, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cities.cells import cell, cells_touching_circle
from cities.load import load_city
from contracts.places import METRES_PER_DEG_LAT, distance_m

anywhere_in_town = st.tuples(st.floats(33.69, 34.75), st.floats(107.65, 109.83))
radii_m = st.sampled_from([0.0, 15.0, 30.0, 150.0, 400.0])


def shifted(lat: float, lon: float, metres: float, bearing: float) -> tuple[float, float]:
    """The point that many metres away, bearing in radians."""
    north = metres * cos(bearing) / METRES_PER_DEG_LAT
    east = metres * sin(bearing) / (METRES_PER_DEG_LAT * cos(radians(lat)))
    return lat + north, (lon + east + 180) % 360 - 180


@settings(max_examples=300, deadline=None)
@given(anywhere_in_town, st.floats(1, 400), st.floats(0, 1))
def test_every_point_of_the_circle_lies_in_a_cell(
    middle: tuple[float, float], radius_m: float, share: float
) -> None:
    cells = cells_touching_circle(*middle, radius_m, 9)
    for step in range(72):
        for reach_m in (radius_m * share, radius_m):
            other = shifted(*middle, reach_m, step * pi / 36)
            assert distance_m(*middle, *other) <= radius_m * 1.001
            assert cell(*other, 9) in cells


@settings(deadline=None)
@given(anywhere_in_town, radii_m)
def test_sorted_with_its_own_cell_and_few(middle: tuple[float, float], radius_m: float) -> None:
    cells = cells_touching_circle(*middle, radius_m, 9)
    assert list(cells) == sorted(set(cells))
    assert cell(*middle, 9) in cells
    if radius_m <= 150:
        assert len(cells) <= 7


@pytest.mark.parametrize(("lat", "lon"), [(0.0, 179.9999), (-34.6, -58.4), (64.1, -21.9)])
def test_elsewhere_on_the_globe(lat: float, lon: float) -> None:
    cells = cells_touching_circle(lat, lon, 150, 9)
    for step in range(72):
        assert cell(*shifted(lat, lon, 149, step * pi / 36), 9) in cells


def test_the_largest_distance_of_the_city_needs_few_locks() -> None:
    city = load_city("xian")
    largest_m = max(rule.distance_m for rule in city.duplicates.values())
    assert len(cells_touching_circle(34.2610, 108.9424, largest_m, city.h3_resolution)) <= 7
