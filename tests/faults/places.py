"""Where the matters of a run are: spots that never join each other, and pairs across borders."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, radians

from cities.areas import Areas
from cities.cells import cell
from contracts.places import METRES_PER_DEG_LAT

CATEGORY = "06042"
"""Bins: reports join within 50 m."""
STEP_M = 100.0
CENTRE = (34.2300, 108.9400)
REACH = 45
"""The lattice is 90 by 90 spots of 100 m."""
OUTSIDE = (35.9000, 110.9000)
RESOLUTION = 9


@dataclass(frozen=True)
class Spot:
    """A place with a community, in WGS-84 degrees."""

    lat: float
    lon: float
    community: str

    def beside(self, north_m: float = 0.0, east_m: float = 0.0) -> tuple[float, float]:
        """A place that many metres away."""
        return moved(self.lat, self.lon, north_m, east_m)


def moved(lat: float, lon: float, north_m: float, east_m: float) -> tuple[float, float]:
    """Degrees after a few metres."""
    shift = METRES_PER_DEG_LAT * cos(radians(lat))
    return lat + north_m / METRES_PER_DEG_LAT, lon + east_m / shift


def spots(areas: Areas, rng: random.Random) -> Iterator[Spot]:
    """All lattice spots that a community covers, in the order of the seed, each once."""
    indices = [(row, column) for row in range(-REACH, REACH) for column in range(-REACH, REACH)]
    rng.shuffle(indices)
    points = [moved(*CENTRE, row * STEP_M, column * STEP_M) for row, column in indices]
    for (lat, lon), community in zip(points, areas.communities_at(points), strict=True):
        if community is not None:
            yield Spot(lat, lon, community.code)


def border_pairs(
    areas: Areas, rng: random.Random, count: int, apart_m: float
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Pairs `apart_m` from each other whose two points lie in different cells.

    No pair comes within 60 m of a neighbouring one, or of another spot than the one it lies on.
    """
    found = []
    for spot in spots(areas, rng):
        for metres in range(0, 34):
            west = spot.beside(east_m=float(metres))
            east = moved(*west, 0.0, apart_m)
            if cell(*west, RESOLUTION) != cell(*east, RESOLUTION):
                found.append((west, east))
                break
        if len(found) == count:
            return found
    raise AssertionError("not enough borders on the lattice")
