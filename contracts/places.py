"""Where something is: WGS-84 inside, the datums that China's phones and maps send at the edge.

GCJ-02 is WGS-84 shifted by a published pseudo-random function (up to some 600 m), BD-09 is GCJ-02
turned and shifted once more. Neither has a closed inverse: both are inverted by fixed-point
iteration, which gains about two digits a step. Constants and series: the well-known reconstruction
of 2013, as in googollee/eviltransform and wandergis/coordtransform; the tests hold both projects'
published vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from math import asin, atan2, cos, fabs, floor, hypot, pi, radians, sin, sqrt
from typing import Literal

import msgspec

from contracts.submissions import Crs

PlaceSource = Literal["client", "exif", "answer"]
Shift = Callable[[float, float], tuple[float, float]]

EARTH_RADIUS_M = 6_371_008.8
KRASOVSKY_AXIS_M = 6_378_245.0
KRASOVSKY_ECCENTRICITY2 = 0.00669342162296594323
BAIDU_TURN = pi * 3000.0 / 180.0
CLOSE_DEG = 1e-10
MOST_STEPS = 30
METRES_PER_DEG_LAT = 111_195.0
GRID_M = 100.0


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """WGS-84 degrees; `accuracy_m` in metres when known; `source` is who said so."""

    lat: float
    lon: float
    accuracy_m: float | None = None
    source: PlaceSource = "client"


def to_wgs84(lat: float, lon: float, crs: Crs) -> tuple[float, float]:
    """WGS-84 degrees (lat, lon) of a point given in `crs`; under 0.1 m of error."""
    if crs == "gcj02":
        return _inverse(_gcj02, lat, lon)
    if crs == "bd09":
        return _inverse(_gcj02, *_inverse(_bd09_of_gcj02, lat, lon))
    return lat, lon


def from_wgs84(lat: float, lon: float, crs: Crs) -> tuple[float, float]:
    """Degrees (lat, lon) in `crs` of a WGS-84 point."""
    if crs == "gcj02":
        return _gcj02(lat, lon)
    if crs == "bd09":
        return _bd09_of_gcj02(*_gcj02(lat, lon))
    return lat, lon


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance in metres (haversine on the mean sphere; under 0.6 % of error)."""
    half_lat = sin(radians(lat2 - lat1) / 2)
    half_lon = sin(radians(lon2 - lon1) / 2)
    chord = half_lat**2 + cos(radians(lat1)) * cos(radians(lat2)) * half_lon**2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord)))


def grid_100m(lat: float, lon: float) -> tuple[float, float]:
    """The middle of the 100 m grid square of a point: what people who do not own a case may see.

    Squares are rows of latitude, and columns whose width follows the row: all points of a square
    give the same answer, so repeated questions tell no more than one. Numbers that are no place
    on Earth are taken for the nearest one that is.
    """
    lat, lon = max(-90.0, min(90.0, lat)), max(-180.0, min(180.0, lon))
    row_deg = GRID_M / METRES_PER_DEG_LAT
    row_lat = (floor(lat / row_deg) + 0.5) * row_deg
    column_deg = row_deg / max(cos(radians(row_lat)), 0.01)
    column_lon = (floor(lon / column_deg) + 0.5) * column_deg
    return round(row_lat, 6), round(column_lon, 6)


def _inverse(shift: Shift, lat: float, lon: float) -> tuple[float, float]:
    """The point that `shift` moves to (lat, lon)."""
    guess_lat, guess_lon = lat, lon
    for _ in range(MOST_STEPS):
        moved_lat, moved_lon = shift(guess_lat, guess_lon)
        off_lat, off_lon = moved_lat - lat, moved_lon - lon
        guess_lat, guess_lon = guess_lat - off_lat, guess_lon - off_lon
        if fabs(off_lat) < CLOSE_DEG and fabs(off_lon) < CLOSE_DEG:
            break
    return guess_lat, guess_lon


def _in_shifted_box(lat: float, lon: float) -> bool:
    """The box in which the public reconstruction shifts; outside it, datums are the same."""
    return 0.8293 <= lat <= 55.8271 and 72.004 <= lon <= 137.8347


def _gcj02(lat: float, lon: float) -> tuple[float, float]:
    """GCJ-02 of a WGS-84 point, degrees."""
    if not _in_shifted_box(lat, lon):
        return lat, lon
    x, y = lon - 105.0, lat - 35.0
    ripple = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    root = sqrt(fabs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y / 30.0 * pi)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    curve = 1.0 - KRASOVSKY_ECCENTRICITY2 * sin(radians(lat)) ** 2
    meridian_m = KRASOVSKY_AXIS_M * (1.0 - KRASOVSKY_ECCENTRICITY2) / (curve * sqrt(curve))
    parallel_m = KRASOVSKY_AXIS_M / sqrt(curve) * cos(radians(lat))
    return lat + north * 180.0 / (meridian_m * pi), lon + east * 180.0 / (parallel_m * pi)


def _bd09_of_gcj02(lat: float, lon: float) -> tuple[float, float]:
    """BD-09 of a GCJ-02 point, degrees."""
    if not _in_shifted_box(lat, lon):
        return lat, lon
    reach = hypot(lon, lat) + 0.00002 * sin(lat * BAIDU_TURN)
    angle = atan2(lat, lon) + 0.000003 * cos(lon * BAIDU_TURN)
    return reach * sin(angle) + 0.006, reach * cos(angle) + 0.0065
