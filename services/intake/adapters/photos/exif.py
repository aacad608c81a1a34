"""Reads place, time and orientation out of EXIF, and nothing where it is broken.

Tags: CIPA DC-008 (Exif 3.0), 4.6. Cameras, editors and forgers write anything: each value is
checked by itself, and a bad one costs only what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite

from contracts.places import Place
from services.intake.adapters.photos.messages import CaptureTime, Exif

Tags = Mapping[int, object]

ORIENTATION, CHANGED_AT, CHANGED_OFFSET = 0x0112, 0x0132, 0x9010
TAKEN_AT, TAKEN_OFFSET = 0x9003, 0x9011
DIGITIZED_AT, DIGITIZED_OFFSET = 0x9004, 0x9012
LAT_REF, LAT, LON_REF, LON, POSITION_ERROR_M = 1, 2, 3, 4, 31

MOST_TEXT = 64
MOST_OFFSET_H = 14
NEAR_ZERO_DEG = 1e-6
FIRST_YEAR = 1980  # a camera whose clock was never set counts from here at the earliest


def exif_of(main: Tags, details: Tags, gps: Tags) -> Exif:
    """From the tags of the three directories: the image's, Exif's own, GPS."""
    orientation = main.get(ORIENTATION)
    known = isinstance(orientation, int) and 1 <= orientation <= 8
    return Exif(
        place=place_of(gps),
        taken=_taken(main, details),
        orientation=orientation if known and isinstance(orientation, int) else None,
    )


def place_of(gps: Tags) -> Place | None:
    """WGS-84, or None: a reference missing, out of range, no number, or 0/0 (no fix yet)."""
    lat = _degrees(gps.get(LAT), _sign(gps.get(LAT_REF), "NS"), most=90.0)
    lon = _degrees(gps.get(LON), _sign(gps.get(LON_REF), "EW"), most=180.0)
    if lat is None or lon is None or (abs(lat) < NEAR_ZERO_DEG and abs(lon) < NEAR_ZERO_DEG):
        return None
    error_m = _number(gps.get(POSITION_ERROR_M))
    known = error_m is not None and 0 < error_m < 100_000
    return Place(lat=lat, lon=lon, accuracy_m=error_m if known else None, source="exif")


def _degrees(value: object, sign: int, most: float) -> float | None:
    """Degrees, minutes and seconds as one number."""
    if not sign or not isinstance(value, tuple | list) or not 1 <= len(value) <= 3:
        return None
    parts = [_number(part) for part in value]
    total = 0.0
    for part, unit, limit in zip(parts, (1, 60, 3600), (most, 60.0, 60.0), strict=False):
        if part is None or not 0 <= part <= limit:
            return None
        total += part / unit
    return round(sign * total, 8) if total <= most else None


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if isfinite(number) else None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value[:MOST_TEXT].decode("ascii", "replace")
    return value[:MOST_TEXT].split("\0")[0].strip() if isinstance(value, str) else ""


def _sign(value: object, letters: str) -> int:
    """1 for the first letter, -1 for the second, 0 for anything else."""
    letter = _text(value).upper()
    return 0 if len(letter) != 1 else {letters[0]: 1, letters[1]: -1}.get(letter, 0)


def _taken(main: Tags, details: Tags) -> CaptureTime | None:
    """When the picture was taken, else digitised, else last changed."""
    for at, offset in (
        (details.get(TAKEN_AT), details.get(TAKEN_OFFSET)),
        (details.get(DIGITIZED_AT), details.get(DIGITIZED_OFFSET)),
        (main.get(CHANGED_AT), details.get(CHANGED_OFFSET)),
    ):
        try:
            local = datetime.strptime(_text(at), "%Y:%m:%d %H:%M:%S")
        except ValueError:
            continue
        if local.year >= FIRST_YEAR:
            return CaptureTime(local, _offset_min(_text(offset)))
    return None


def _offset_min(text: str) -> int | None:
    """Minutes east of UTC from "+08:00"."""
    hours, colon, minutes = text[1:].partition(":")
    plain = text.isascii() and hours.isdigit() and minutes.isdigit()
    if text[:1] not in ("+", "-") or not colon or not plain:
        return None
    if int(hours) > MOST_OFFSET_H or int(minutes) > 59:
        return None
    total = int(hours) * 60 + int(minutes)
    return -total if text[0] == "-" else total
