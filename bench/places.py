"""Where reports are: spots of some large communities, so far apart that no two join."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, radians

import shapely

from cities.areas import Areas
from contracts.places import METRES_PER_DEG_LAT

CATEGORY = "06042"
"""Bins: reports join within 50 m."""
STEP_M = 70.0
COMMUNITIES = 5
LATITUDE = 34.0


@dataclass(frozen=True)
class Spot:
    """A place with a community, in WGS-84 degrees."""

    lat: float
    lon: float
    community: str


def largest(areas: Areas) -> list[str]:
    """The codes of the communities that the spots lie in."""
    size = {code: shapely.from_geojson(areas.outline(code)).area for code in areas.communities}
    return sorted(size, key=lambda code: (-size[code], code))[:COMMUNITIES]


def spots(areas: Areas, seed: int) -> Iterator[Spot]:
    """Every point of a lattice of 70 m over these communities, once, in the seed's order.

    They are found before the first is asked for: that takes seconds.
    """
    codes = largest(areas)
    points = sorted({point for code in codes for point in _lattice(areas, code)})
    random.Random(seed).shuffle(points)
    found = zip(points, areas.communities_at(points), strict=True)
    return (
        Spot(lat, lon, community.code)
        for (lat, lon), community in found
        if community is not None and community.code in codes
    )


def _lattice(areas: Areas, code: str) -> list[tuple[float, float]]:
    """The points in the community's box; the lattice is one for all, so boxes share points."""
    west, south, east, north = shapely.from_geojson(areas.outline(code)).bounds
    lat_deg = STEP_M / METRES_PER_DEG_LAT
    lon_deg = lat_deg / cos(radians(LATITUDE))
    return [
        (round(row * lat_deg, 7), round(column * lon_deg, 7))
        for row in range(int(south / lat_deg), int(north / lat_deg) + 1)
        for column in range(int(west / lon_deg), int(east / lon_deg) + 1)
    ]
