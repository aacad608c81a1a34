"""Place, time and orientation out of the tags, and nothing out of bad ones."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from math import inf, nan
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.photos.exif import exif_of, place_of
from services.intake.adapters.photos.messages import CaptureTime

XIAN = {1: "N", 2: (34, 13, 52.32), 3: "E", 4: (108, 53, 4.2)}


def test_degrees_minutes_seconds() -> None:
    place = place_of({**XIAN, 31: Fraction(17, 2)})
    assert place is not None
    assert (place.lat, place.lon) == pytest.approx((34.2312, 108.8845), abs=1e-7)
    assert place.accuracy_m == 8.5
    assert place.source == "exif"


def test_south_and_west_are_negative() -> None:
    place = place_of({1: b"S\0", 2: (33.4489,), 3: "w", 4: (70, 40.158)})
    assert place is not None
    assert (place.lat, place.lon) == pytest.approx((-33.4489, -70.6693), abs=1e-7)


BAD = {
    "no tags": {},
    "no latitude reference": {tag: XIAN[tag] for tag in (2, 3, 4)},
    "no longitude reference": {tag: XIAN[tag] for tag in (1, 2, 4)},
    "reference of the other axis": {**XIAN, 1: "E"},
    "long reference": {**XIAN, 1: "North"},
    "no longitude": {tag: XIAN[tag] for tag in (1, 2, 3)},
    "zero denominator": {**XIAN, 2: (34, 13, nan)},
    "infinite": {**XIAN, 4: (inf, 0, 0)},
    "beyond the pole": {**XIAN, 2: (90, 0, 1)},
    "beyond the date line": {**XIAN, 4: (180, 1, 0)},
    "garbage": {**XIAN, 2: (4294967295, 0, 0)},
    "75 minutes": {**XIAN, 2: (34, 75, 0)},
    "negative": {**XIAN, 2: (-34, 13, 0)},
    "text": {**XIAN, 2: "34.2"},
    "four parts": {**XIAN, 2: (34, 13, 52, 1)},
    "no fix yet": {**XIAN, 2: (0, 0, 0), 4: (0, 0, 0)},
}


@pytest.mark.parametrize("name", BAD)
def test_no_place(name: str) -> None:
    assert place_of(BAD[name]) is None


@pytest.mark.parametrize("error", [nan, inf, -3, 0, "8", 10**9])
def test_a_bad_accuracy_costs_only_the_accuracy(error: object) -> None:
    place = place_of({**XIAN, 31: error})
    assert place is not None
    assert place.accuracy_m in (None, 8.0)


def test_time_with_and_without_offset() -> None:
    noon = "2026:11:20 12:00:00"
    local = datetime(2026, 11, 20, 12, 0, 0)
    assert exif_of({}, {0x9003: noon, 0x9011: "+08:00"}, {}).taken == CaptureTime(local, 480)
    assert exif_of({}, {0x9003: noon, 0x9011: "-03:30"}, {}).taken == CaptureTime(local, -210)
    assert exif_of({}, {0x9003: noon, 0x9011: "Z"}, {}).taken == CaptureTime(local, None)
    assert exif_of({0x0132: noon}, {}, {}).taken == CaptureTime(local, None)


def test_the_instant() -> None:
    local = datetime(2026, 11, 20, 12, 0, 0)
    noon_in_xian = datetime(2026, 11, 20, 4, 0, 0, tzinfo=UTC)
    assert CaptureTime(local, 480).aware(UTC) == noon_in_xian
    assert CaptureTime(local).aware(ZoneInfo("Asia/Shanghai")) == noon_in_xian


@pytest.mark.parametrize(
    "text", ["", "0000:00:00 00:00:00", "0001:01:01 00:00:00", "2026-11-20", "yesterday", 7, None]
)
def test_no_time(text: object) -> None:
    assert exif_of({}, {0x9003: text}, {}).taken is None


def test_orientation_is_one_to_eight() -> None:
    assert exif_of({0x0112: 6}, {}, {}).orientation == 6
    for bad in (0, 9, "6", None, (6,)):
        assert exif_of({0x0112: bad}, {}, {}).orientation is None


VALUES = st.recursive(
    st.none() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.tuples(inner, inner, inner) | st.lists(inner, max_size=4),
    max_leaves=6,
)
TAGS = st.dictionaries(
    st.sampled_from([1, 2, 3, 4, 31, 0x0112, 0x0132, 0x9003, 0x9004, 0x9011]), VALUES
)


@given(TAGS, TAGS, TAGS)
def test_whatever_is_written_never_raises_nor_leaves_the_globe(
    main: dict[int, object], details: dict[int, object], gps: dict[int, object]
) -> None:
    exif = exif_of(main, details, {1: "N", 3: "E", **gps})
    if exif.place:
        assert abs(exif.place.lat) <= 90
        assert abs(exif.place.lon) <= 180
    if exif.taken:
        exif.taken.aware(UTC)
