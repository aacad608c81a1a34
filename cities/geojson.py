"""Reads polygons with their properties from GeoJSON, and finds the line of a broken feature."""

from __future__ import annotations

from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
import shapely
from shapely.errors import GEOSException

from cities.marked import CityError, read_text

P = TypeVar("P", bound=msgspec.Struct)
POLYGONS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


class Collection(msgspec.Struct, frozen=True):
    """A FeatureCollection whose features are still text."""

    features: list[msgspec.Raw]
    synthetic: bool = False
    notice: str = ""


class Feature(msgspec.Struct, Generic[P], frozen=True):
    """One feature; the geometry stays text for GEOS."""

    properties: P
    geometry: msgspec.Raw


class Layer(msgspec.Struct, Generic[P], frozen=True):
    """Checked polygons in file order: `geometries` (numpy objects), `outlines` (GeoJSON text)."""

    file: Path
    synthetic: bool
    notice: str
    properties: list[P]
    geometries: Any
    outlines: list[bytes]


def read_layer(file: Path, shape: type[P]) -> Layer[P]:
    """Features of the file with properties of `shape`; CityError names feature and line.

    A geometry must be a valid Polygon or MultiPolygon in WGS-84 degrees (lon, lat).
    """
    text = read_text(file)
    collection = _collection(file, text)
    properties: list[P] = []
    outlines: list[bytes] = []
    decoder = msgspec.json.Decoder(Feature[shape])  # type: ignore[valid-type]
    for number, raw in enumerate(collection.features):
        try:
            feature = decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise feature_error(file, number, str(error)) from error
        properties.append(feature.properties)
        outlines.append(bytes(feature.geometry))
    geometries = _geometries(file, outlines)
    return Layer(file, collection.synthetic, collection.notice, properties, geometries, outlines)


def feature_error(file: Path, number: int, reason: str) -> CityError:
    """An error at the line where feature `number` (from 0) begins."""
    return CityError(file, _line_of(read_text(file), number), f"feature {number + 1}: {reason}")


def _collection(file: Path, text: str) -> Collection:
    try:
        collection = msgspec.json.decode(text, type=Collection)
    except msgspec.ValidationError as error:
        raise CityError(file, 1, str(error)) from error
    except msgspec.DecodeError:
        raise CityError(file, *_broken_json(text)) from None
    if not collection.features:
        raise CityError(file, 1, "there are no features")
    return collection


def _broken_json(text: str) -> tuple[int, str]:
    """Line and reason of a text that is not JSON."""
    try:
        JSONDecoder().decode(text)
    except JSONDecodeError as error:
        return error.lineno, error.msg
    return 0, "is not JSON"


def _geometries(file: Path, outlines: list[bytes]) -> Any:
    """Shapely geometries of all outlines; the first bad one is named."""
    try:
        geometries = shapely.from_geojson(np.array(outlines, dtype=object))
    except (GEOSException, TypeError):
        for number, outline in enumerate(outlines):
            try:
                shapely.from_geojson(outline)
            except (GEOSException, TypeError) as error:
                raise feature_error(file, number, f"geometry: {error}") from error
        raise
    west, south, east, north = shapely.bounds(geometries).T
    in_range = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    usable = np.isin(shapely.get_type_id(geometries), POLYGONS) & in_range
    usable &= ~shapely.is_empty(geometries) & shapely.is_valid(geometries)
    for number in np.flatnonzero(~usable)[:1]:
        raise feature_error(file, int(number), _what_is_wrong(geometries[number]))
    return geometries


def _what_is_wrong(geometry: Any) -> str:
    if shapely.get_type_id(geometry) not in POLYGONS:
        return f"{geometry.geom_type} is no Polygon or MultiPolygon"
    if shapely.is_empty(geometry):
        return "the polygon is empty"
    if not shapely.is_valid(geometry):
        return f"the polygon is not valid: {shapely.is_valid_reason(geometry)}"
    return "coordinates are not degrees (lon, lat)"


def _line_of(text: str, number: int) -> int:
    """The line where the feature begins: walks over the features as JSON does."""
    at = text.find("[", text.find('"features"')) + 1
    decoder = JSONDecoder()
    for _ in range(number):
        _, at = decoder.raw_decode(text, text.find("{", at))
    return text.count("\n", 0, text.find("{", at)) + 1
