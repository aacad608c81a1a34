"""Flags by the distance in time and space between a report, its photos and its device's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cities.load import load_city
from contracts.places import Place
from contracts.submissions import ReportSubmitted
from services.intake.domain.evidence import flags, observed
from services.intake.domain.report import Photo

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
RULE = load_city("xian").evidence
HERE = Place(lat=34.23, lon=108.95)
NEAR, FAR = Place(lat=34.232, lon=108.95), Place(lat=34.2331, lon=108.95)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def sent(observed_at: datetime | None = None) -> ReportSubmitted:
    return ReportSubmitted(
        report_id="1", reporter_id="r", code="C", received_at=NOW, observed_at=observed_at
    )


def photo(**fields: object) -> Photo:
    return Photo(id="p", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("photos", "expected"),
    [
        ([], ()),
        ([photo()], ()),
        ([photo(taken_at=NOW - 10 * MINUTE, place=NEAR)], ()),
        ([photo(taken_at=NOW - 10 * MINUTE - timedelta(seconds=1))], ("photo-old",)),
        ([photo(taken_at=NOW + 2 * MINUTE)], ()),
        ([photo(taken_at=NOW + 3 * MINUTE)], ("photo-ahead",)),
        ([photo(place=FAR)], ("photo-elsewhere",)),
        ([photo(refused=True, taken_at=NOW - HOUR, place=FAR)], ("photo-unreadable",)),
        ([photo(), photo(taken_at=NOW - HOUR, place=FAR)], ("photo-old", "photo-elsewhere")),
    ],
)
def test_photos(photos: list[Photo], expected: tuple[str, ...]) -> None:
    assert flags(sent(), photos, HERE, RULE) == expected


def test_a_report_that_waited_in_its_queue_has_a_fresh_photo() -> None:
    seen = NOW - 5 * HOUR
    assert flags(sent(seen), [photo(taken_at=seen - MINUTE)], HERE, RULE) == ()
    assert flags(sent(seen), [photo(taken_at=seen - HOUR)], HERE, RULE) == ("photo-old",)


def test_a_place_that_is_the_photo_s_own_agrees_with_it() -> None:
    own = Place(lat=34.3, lon=109.0, source="exif")
    assert flags(sent(), [photo(place=own), photo(place=HERE)], own, RULE) == ()


@pytest.mark.parametrize(
    ("off", "believed"),
    [
        (timedelta(0), True),
        (2 * MINUTE, True),
        (2 * MINUTE + timedelta(seconds=1), False),
        (8 * HOUR, False),
        (-6 * 24 * HOUR, True),
        (-7 * 24 * HOUR - MINUTE, False),
        (-365 * 24 * HOUR, False),
    ],
)
def test_a_clock_that_cannot_be_right(off: timedelta, believed: bool) -> None:
    at = NOW + off
    assert observed(sent(at), RULE) == (min(at, NOW) if believed else None)
    assert flags(sent(at), [], HERE, RULE) == (() if believed else ("clock-wrong",))


def test_without_a_clock_there_is_nothing_to_doubt() -> None:
    assert observed(sent(), RULE) is None
    assert flags(sent(), [], HERE, RULE) == ()
