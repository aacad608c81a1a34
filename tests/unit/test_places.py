"""Datums, distances and the public grid: held against other projects' published numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.places import Place, distance_m, from_wgs84, grid_100m, to_wgs84
from contracts.submissions import Crs

# googollee/eviltransform, its test table: WGS-84 and GCJ-02 (lat, lon)
EVILTRANSFORM_GCJ = [
    ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
    ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
]
# Baidu's own conversion service, the example of its documentation: WGS-84 and BD-09 (lat, lon).
# Its answers scatter by half a metre. eviltransform's BD-09 vectors are not used: that project
# turns by pi instead of 3000 pi / 180 and is up to 40 m off this answer.
BAIDU_WGS = (29.575429778924, 114.21892734521)
BAIDU_BD = (29.57908428837437, 114.2307519546763)
# Near Tiananmen. wandergis/coordtransform: (39.915, 116.404) read as GCJ-02, in BD-09
TIANANMEN_GCJ = (39.915, 116.404)
TIANANMEN_BD = (39.92133699351021, 116.41036949371029)
# and hutool's test of the same point read as WGS-84, in GCJ-02
TIANANMEN_WGS_IN_GCJ = (39.91640428150164, 116.41024449916938)

CITY_BOX = {"lat": (33.69, 34.75), "lon": (107.65, 109.83)}
latitudes = st.floats(*CITY_BOX["lat"])
longitudes = st.floats(*CITY_BOX["lon"])


def apart_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    return distance_m(*one, *other)


@pytest.mark.parametrize(("wgs", "gcj"), EVILTRANSFORM_GCJ)
def test_gcj02_as_published(wgs: tuple[float, float], gcj: tuple[float, float]) -> None:
    assert apart_m(from_wgs84(*wgs, "gcj02"), gcj) < 0.05
    assert apart_m(to_wgs84(*gcj, "gcj02"), wgs) < 0.05


def test_bd09_as_baidu_answers() -> None:
    assert apart_m(from_wgs84(*BAIDU_WGS, "bd09"), BAIDU_BD) < 1
    assert apart_m(to_wgs84(*BAIDU_BD, "bd09"), BAIDU_WGS) < 1


def test_tiananmen() -> None:
    assert apart_m(from_wgs84(*TIANANMEN_GCJ, "gcj02"), TIANANMEN_WGS_IN_GCJ) < 0.05
    inside = to_wgs84(*TIANANMEN_GCJ, "gcj02")
    assert apart_m(from_wgs84(*inside, "bd09"), TIANANMEN_BD) < 0.05
    assert apart_m(to_wgs84(*TIANANMEN_BD, "bd09"), inside) < 0.05


@settings(deadline=None)
@given(latitudes, longitudes, st.sampled_from(["wgs84", "gcj02", "bd09"]))
def test_there_and_back(lat: float, lon: float, crs: Crs) -> None:
    assert apart_m(to_wgs84(*from_wgs84(lat, lon, crs), crs), (lat, lon)) < 0.1
    assert apart_m(from_wgs84(*to_wgs84(lat, lon, crs), crs), (lat, lon)) < 0.1


def test_how_far_the_datums_are_apart_in_the_city() -> None:
    bell_tower = (34.2610, 108.9424)
    assert 300 < apart_m(from_wgs84(*bell_tower, "gcj02"), bell_tower) < 700
    assert 800 < apart_m(from_wgs84(*bell_tower, "bd09"), bell_tower) < 2000


@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
def test_nothing_is_shifted_far_away(crs: Crs) -> None:
    assert from_wgs84(51.5, -0.12, crs) == (51.5, -0.12) == to_wgs84(51.5, -0.12, crs)


def test_distances_known_by_heart() -> None:
    assert distance_m(34, 108, 34, 108) == 0
    assert distance_m(0, 0, 1, 0) == pytest.approx(111_195, abs=1)
    assert distance_m(0, 0, 0, 180) == pytest.approx(20_015_115, abs=10)
    assert distance_m(34.0, 108.0, 34.0, 108.001) == pytest.approx(92.18, abs=0.1)


@settings(deadline=None)
@given(latitudes, longitudes)
def test_the_grid_hides_and_stays_near(lat: float, lon: float) -> None:
    shown = grid_100m(lat, lon)
    assert apart_m(shown, (lat, lon)) < 72
    assert grid_100m(*shown) == shown


def test_neighbours_share_a_square() -> None:
    lat, lon = grid_100m(34.2610, 108.9424)
    assert grid_100m(lat + 0.0003, lon - 0.0004) == (lat, lon)
    assert grid_100m(lat + 0.0012, lon) != (lat, lon)


def test_a_place_is_plain_data() -> None:
    assert Place(lat=34.2, lon=108.9).source == "client"
