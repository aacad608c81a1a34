"""Which community answers for a place: exact polygons in memory, for whoever has to know."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import cos, isfinite, radians
from typing import Any

import msgspec
import numpy as np
import shapely
from msgspec.structs import replace

from cities.divisions import read_divisions
from cities.folder import city_folder
from cities.geojson import Layer, feature_error, read_layer
from cities.kept import per_version
from contracts.city import Community, Division, Surroundings
from contracts.places import METRES_PER_DEG_LAT

STREETS = "streets.geojson"
MOST_NEAR = 3


class CommunityProperties(msgspec.Struct, frozen=True):
    code: str
    name: str
    street: str
    street_code: str
    district: str
    district_code: str


class StreetProperties(msgspec.Struct, frozen=True):
    code: str
    name: str


class DistrictProperties(msgspec.Struct, frozen=True):
    adcode: str
    name: str


class PolygonIndex:
    """Polygons in the order of their codes, in a tree of boxes; the first that covers wins."""

    def __init__(self, codes: Sequence[str], geometries: Any) -> None:
        order = np.argsort(np.array(codes), kind="stable")
        self.codes = [codes[at] for at in order]
        self.geometries = np.asarray(geometries, dtype=object)[order]
        shapely.prepare(self.geometries)
        self._tree = shapely.STRtree(self.geometries)

    def first_at(self, lat: float, lon: float) -> int | None:
        """Position of the lowest code whose polygon covers the point, border included."""
        if not (isfinite(lat) and isfinite(lon)):
            return None
        point = shapely.points(lon, lat)
        candidates = self._tree.query(point)
        candidates.sort()
        for at in candidates:
            if shapely.covers(self.geometries[at], point):
                return int(at)
        return None

    def first_at_each(self, points: Sequence[tuple[float, float]]) -> list[int | None]:
        """`first_at` for many (lat, lon) at once."""
        if not points:
            return []
        places = np.asarray(points, dtype=float)
        known = np.isfinite(places).all(axis=1)
        numbers = np.flatnonzero(known)
        dots = shapely.points(places[known, 1], places[known, 0])
        dot_at, polygon_at = self._tree.query(dots)
        covered = shapely.covers(self.geometries[polygon_at], dots[dot_at])
        lowest = np.full(len(points), len(self.codes))
        np.minimum.at(lowest, numbers[dot_at[covered]], polygon_at[covered])
        return [int(at) if at < len(self.codes) else None for at in lowest]


class Distances:
    """How far polygons are from points, in metres on a plane: within a percent in one city."""

    def __init__(self, geometries: Any) -> None:
        _, south, _, north = shapely.total_bounds(geometries)
        east = cos(radians((south + north) / 2))
        self._scale = np.array([east, 1.0]) * METRES_PER_DEG_LAT
        self._polygons = shapely.transform(geometries, lambda degrees: degrees * self._scale)
        self._tree = shapely.STRtree(self._polygons)

    def within(
        self, points: Sequence[tuple[float, float]], most_m: Sequence[float]
    ) -> list[list[int]]:
        """For each (lat, lon) the positions of those so near to it, the nearest first.

        With 0 m nothing is near, whatever covers the point.
        """
        found: list[list[tuple[float, int]]] = [[] for _ in points]
        if points:
            dots = shapely.points(np.asarray(points, dtype=float)[:, ::-1] * self._scale)
            reach = np.array([each if each > 0 else -1.0 for each in most_m])
            numbers, at = self._tree.query(dots, predicate="dwithin", distance=reach)
            away = shapely.distance(dots[numbers], self._polygons[at])
            for number, metres, polygon in zip(numbers, away, at, strict=True):
                found[number].append((float(metres), int(polygon)))
        return [[polygon for _, polygon in sorted(each)] for each in found]


class Areas:
    """The city's outlines. `synthetic` says that the community polygons are invented.

    `owners`: who may have a case, by code: communities, and the streets and districts above them.
    """

    def __init__(
        self,
        communities: Layer[CommunityProperties],
        districts: Layer[DistrictProperties],
        streets: Layer[StreetProperties] | None = None,
    ) -> None:
        self.synthetic = communities.synthetic
        self.notice = communities.notice
        codes = [each.code for each in communities.properties]
        self._index = PolygonIndex(codes, communities.geometries)
        self._city = PolygonIndex(
            [each.adcode for each in districts.properties], districts.geometries
        )
        self._whole = shapely.union_all(self._city.geometries)
        shapely.prepare(self._whole)
        self._outlines = dict(zip(codes, communities.outlines, strict=True))
        by_code = {each.code: _community(each) for each in communities.properties}
        self.communities = {code: by_code[code] for code in self._index.codes}
        self._in_order = list(self.communities.values())
        self._distances = Distances(self._index.geometries)
        self._streets = (
            PolygonIndex([each.code for each in streets.properties], streets.geometries)
            if streets is not None
            else None
        )
        self.owners: dict[str, Community] = _above(self._in_order) | self.communities

    def community_at(self, lat: float, lon: float) -> Community | None:
        """The community with the lowest code among those that cover the point; None in a gap.

        Exact on borders, holes and multipolygons (design.md, "Border").
        """
        at = self._index.first_at(lat, lon)
        return None if at is None else self._in_order[at]

    def communities_at(self, points: Iterable[tuple[float, float]]) -> list[Community | None]:
        """`community_at` for many (lat, lon): cheaper from some ten points on."""
        found = self._index.first_at_each(list(points))
        return [None if at is None else self._in_order[at] for at in found]

    def surroundings(
        self, points: Sequence[tuple[float, float]], border_m: float, nearest_m: float
    ) -> list[Surroundings]:
        """Whose each (lat, lon) is, and who is near: within `border_m` where a community covers it,
        within `nearest_m` where none does. Numbers that are no place are nobody's."""
        covering = self._index.first_at_each(points)
        finite = [p if isfinite(p[0]) and isfinite(p[1]) else (0.0, 0.0) for p in points]
        reach = [nearest_m if own is None else border_m for own in covering]
        near = self._distances.within(finite, reach)
        return [
            self._surroundings(point, own, [at for at in beside if at != own])
            for point, own, beside in zip(points, covering, near, strict=True)
        ]

    def _surroundings(
        self, point: tuple[float, float], own: int | None, around: list[int]
    ) -> Surroundings:
        codes = self._index.codes
        near = tuple(codes[at] for at in around[:MOST_NEAR])
        if own is not None:
            return Surroundings(community=codes[own], near=near)
        street = self._streets.first_at(*point) if self._streets else None
        district = self._city.first_at(*point)
        return Surroundings(
            near=near,
            street=self._streets.codes[street] if self._streets and street is not None else None,
            district=None if district is None else self._city.codes[district],
        )

    def inside_city(self, lat: float, lon: float) -> bool:
        """Whether some district covers the point."""
        return bool(shapely.intersects_xy(self._whole, lon, lat))

    def outline(self, code: str) -> bytes:
        """The community's polygon as GeoJSON text; KeyError for a code that has none."""
        return self._outlines[code]


@per_version
def load_areas(name_or_path: str) -> Areas:
    """The city's polygons, checked; CityError is "file:line: feature N: reason"."""
    folder = city_folder(name_or_path)
    communities = read_layer(folder / "communities.geojson", CommunityProperties)
    districts = read_layer(folder / "districts.geojson", DistrictProperties)
    _check_codes(communities, read_divisions(folder / "divisions.csv"))
    outlines = folder / STREETS
    streets = read_layer(outlines, StreetProperties) if outlines.is_file() else None
    return Areas(communities, districts, streets)


def _above(communities: Iterable[Community]) -> dict[str, Community]:
    """The streets and districts of communities, as owners of what none of them has."""
    found: dict[str, Community] = {}
    for each in communities:
        district = Community(each.district_code, each.district, "", "", "", each.district_code)
        found.setdefault(district.code, district)
        street = replace(each, code=each.street_code, name=each.street, street="")
        found.setdefault(street.code, street)
    return found


def _check_codes(layer: Layer[CommunityProperties], divisions: Mapping[str, Division]) -> None:
    known: set[str] = set()
    for number, each in enumerate(layer.properties):
        reason = _wrong_code(each, known, divisions)
        if reason:
            raise feature_error(layer.file, number, reason)
        known.add(each.code)


def _wrong_code(
    each: CommunityProperties, known: Collection[str], divisions: Mapping[str, Division]
) -> str | None:
    if each.code not in divisions:
        return f"{each.code!r} is not in divisions.csv"
    if each.code in known:
        return f"{each.code} stands here twice"
    for above in (each.street_code, each.district_code):
        if not each.code.startswith(above) or above.ljust(12, "0") not in divisions:
            return f"{each.code} is not in {above!r}, or that is not in divisions.csv"
    return None


def _community(each: CommunityProperties) -> Community:
    return Community(
        code=each.code,
        name=each.name,
        street=each.street,
        street_code=each.street_code,
        district=each.district,
        district_code=each.district_code,
    )
