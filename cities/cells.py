"""H3 cells: the key that keeps neighbouring reports together, and the locks of a search circle."""

from __future__ import annotations

from math import ceil, cos, hypot, radians

import h3

from contracts.places import METRES_PER_DEG_LAT

# Cells are drawn flat round the point. Within a kilometre that is wrong by centimetres; the
# sphere itself is off by 0.6 %. Too many cells cost a lock, one too few costs a duplicate.
MARGIN_M = 1.0
MARGIN_SHARE = 0.01
SMALLEST_EDGE_SHARE = 0.85


def cell(lat: float, lon: float, resolution: int) -> str:
    """The H3 cell of a point, as its hexadecimal index."""
    return str(h3.latlng_to_cell(lat, lon, resolution))


def cells_touching_circle(
    lat: float, lon: float, radius_m: float, resolution: int
) -> tuple[str, ...]:
    """Every cell that holds a point within `radius_m` of (lat, lon), sorted; perhaps a few more."""
    home = cell(lat, lon, resolution)
    reach_m = radius_m * (1 + MARGIN_SHARE) + MARGIN_M
    corners = _corners_m(home, lat, lon)
    if _nearest_m(corners) > reach_m:
        return (home,)
    found = {home}
    for other in h3.grid_disk(home, _rings(corners, reach_m)):
        if other != home and _nearest_m(_corners_m(other, lat, lon)) <= reach_m:
            found.add(other)
    return tuple(sorted(found))


def _rings(corners: list[tuple[float, float]], reach_m: float) -> int:
    """Rings of neighbours that surely hold the circle, wherever in its cell the middle lies.

    From a corner of the home cell the first ring reaches one edge far, every further one 1.5.
    """
    edges = zip(corners, corners[1:] + corners[:1], strict=True)
    edge_m = min(hypot(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in edges) * SMALLEST_EDGE_SHARE
    return 1 + ceil(max(0.0, reach_m - edge_m) / (1.5 * edge_m))


def _corners_m(index: str, lat: float, lon: float) -> list[tuple[float, float]]:
    """The cell's corners in metres east and north of the point."""
    metres_per_deg_lon = METRES_PER_DEG_LAT * cos(radians(lat))
    return [
        (
            (((east - lon) + 180) % 360 - 180) * metres_per_deg_lon,
            (north - lat) * METRES_PER_DEG_LAT,
        )
        for north, east in h3.cell_to_boundary(index)
    ]


def _nearest_m(corners: list[tuple[float, float]]) -> float:
    """Distance from the origin to the cell's outline, in metres."""
    edges = zip(corners, corners[1:] + corners[:1], strict=True)
    return min(_to_edge_m(*start, *end) for start, end in edges)


def _to_edge_m(x1: float, y1: float, x2: float, y2: float) -> float:
    """Distance from the origin to one edge."""
    dx, dy = x2 - x1, y2 - y1
    length2 = dx * dx + dy * dy
    share = 0.0 if length2 == 0 else max(0.0, min(1.0, -(x1 * dx + y1 * dy) / length2))
    return hypot(x1 + share * dx, y1 + share * dy)
