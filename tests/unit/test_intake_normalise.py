"""What becomes of a submission: place, text, category, danger; question or refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from cities.load import load_city
from contracts.facts import event_id
from contracts.places import Place, from_wgs84
from contracts.reports import PlaceAsked, ReportEnriched, ReportNormalised, ReportRefused
from contracts.submissions import Media, ReportSubmitted, SentPlace
from services.intake.domain.normalise import (
    answered,
    at_once,
    decide,
    photo_refused,
    photos_read,
    waited_long_enough,
)
from services.intake.domain.report import Decision, Photo, Report, Rules

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
REPORT = "01a20d34-194d-7a58-b3ac-cc210141398a"
INSIDE, OUTSIDE = (34.23, 108.95), (39.9, 116.4)
CITY = load_city("xian")
RULES = Rules(
    city=CITY,
    inside=lambda lat, lon: abs(lat - 34.2) < 1 and abs(lon - 108.9) < 1,
    cell=lambda lat, lon: f"cell {lat:.2f} {lon:.2f}",
)
BIN = CITY.aliases["垃圾桶满了"]
PLACED = Place(lat=34.2, lon=108.9, source="exif")


def report(**fields: object) -> Report:
    sent = ReportSubmitted(report_id=REPORT, reporter_id="r", code="ABCDEFG", received_at=NOW)
    return Report(submitted=replace(sent, **fields))


def with_photos(*ids: str) -> tuple[Media, ...]:
    return tuple(Media(id=each, kind="photo", content_type="image/jpeg") for each in ids)


def normalised(decision: Decision | None) -> ReportNormalised:
    assert decision is not None and decision.report.status == "normalised"
    (event,) = decision.events
    assert isinstance(event.body, ReportNormalised)
    assert event.body.cell == decision.report.cell
    return event.body


def first(sent: Report, *photos: Photo) -> Decision:
    return decide(sent, photos, NOW, RULES)


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09"])
def test_the_place_that_was_sent_becomes_wgs84(crs: str) -> None:
    lat, lon = from_wgs84(*INSIDE, crs)  # type: ignore[arg-type]
    place = SentPlace(lat=lat, lon=lon, crs=crs, accuracy_m=12)  # type: ignore[arg-type]
    body = normalised(first(report(text="垃圾", place=place)))
    assert (body.place.lat, body.place.lon) == pytest.approx(INSIDE, abs=1e-6)
    assert (body.place.accuracy_m, body.place.source) == (12, "client")
    assert body.cell == "cell 34.23 108.95"


def test_outside_the_city_is_refused_with_the_reason() -> None:
    sent = report(text="垃圾", place=SentPlace(lat=OUTSIDE[0], lon=OUTSIDE[1]))
    decision = first(sent)
    (event,) = decision.events
    assert isinstance(event.body, ReportRefused)
    assert event.body.reason == "outside-city" and CITY.refusal("outside-city")
    assert event.body.place and event.body.place.lat == OUTSIDE[0]
    assert decision.report.status == "refused"


def test_the_place_sent_wins_over_the_photos() -> None:
    sent = report(place=SentPlace(lat=INSIDE[0], lon=INSIDE[1]), media=with_photos("a"))
    assert normalised(first(sent, Photo(id="a", place=PLACED))).place.source == "client"


def test_the_first_photo_with_a_place_says_where_and_when() -> None:
    taken = NOW - timedelta(minutes=5)
    photos = Photo(id="a", taken_at=taken), Photo(id="b", place=PLACED)
    body = normalised(first(report(media=with_photos("a", "b")), *photos))
    assert body.place == PLACED and body.observed_at == taken


def test_a_camera_ahead_of_us_is_not_believed() -> None:
    photo = Photo(id="a", place=PLACED, taken_at=NOW + timedelta(seconds=1))
    assert normalised(first(report(media=with_photos("a")), photo)).observed_at is None


def test_no_place_at_all_asks_the_reporter() -> None:
    decision = first(report(text="垃圾", media=with_photos("a")), Photo(id="a"))
    assert isinstance(decision.events[0].body, PlaceAsked)
    assert decision.report.status == "place-asked"


def test_an_unread_photo_is_waited_for() -> None:
    waiting = first(report(media=with_photos("a")), Photo(id="a", read=False))
    assert waiting.report.status == "reading" and not waiting.events
    read = photos_read(waiting.report, [Photo(id="a", place=PLACED)], NOW, RULES)
    assert normalised(read).place == PLACED
    bare = photos_read(waiting.report, [Photo(id="a")], NOW, RULES)
    assert isinstance(bare.events[0].body, PlaceAsked)


def test_the_wait_ends_and_the_late_place_still_counts() -> None:
    waiting = first(report(media=with_photos("a")), Photo(id="a", read=False))
    asked = waited_long_enough(waiting.report, NOW, RULES)
    assert isinstance(asked.events[0].body, PlaceAsked)
    late = photos_read(asked.report, [Photo(id="a", place=PLACED)], NOW, RULES)
    assert normalised(late).place == PLACED
    assert late.events[0].seq == 3


def test_a_late_place_outside_the_city_leaves_the_question_open() -> None:
    asked = first(report(text="垃圾")).report
    away = Photo(id="a", place=Place(lat=OUTSIDE[0], lon=OUTSIDE[1], source="exif"))
    assert not photos_read(asked, [away], NOW, RULES).events


def test_the_answer_settles_it_once() -> None:
    asked = first(report(text="垃圾")).report
    decision = answered(asked, SentPlace(lat=INSIDE[0], lon=INSIDE[1]), [], NOW, RULES)
    assert normalised(decision).place.source == "answer"
    assert decision
    again = answered(decision.report, SentPlace(lat=34, lon=109), [], NOW, RULES)
    assert again is None
    late = photos_read(decision.report, [Photo(id="a", place=PLACED)], NOW, RULES)
    assert not late.events, "the answer came first"
    assert not waited_long_enough(decision.report, NOW, RULES).events


def test_an_answer_nobody_asked_for_is_no_answer() -> None:
    assert answered(report(text="垃圾"), SentPlace(lat=34, lon=109), [], NOW, RULES) is None


@pytest.mark.parametrize(
    ("text", "category", "found", "source"),
    [
        ("垃圾桶满了", None, BIN, "alias"),
        ("垃圾桶满了", "01037", "01037", "client"),
        ("今天天气不错", None, None, "none"),
        ("垃圾桶满了", "no such code", BIN, "alias"),
    ],
)
def test_category(text: str, category: str | None, found: str | None, source: str) -> None:
    place = SentPlace(lat=INSIDE[0], lon=INSIDE[1])
    body = normalised(first(report(text=text, category=category, place=place)))
    assert (body.category, body.category_source) == (found, source)


@pytest.mark.parametrize(
    ("text", "category", "dangerous"),
    [("井盖没了", None, True), ("树叶很多", None, False), (None, "danger", True)],
)
def test_danger_by_words_or_by_category(
    text: str | None, category: str | None, dangerous: bool
) -> None:
    if category:
        category = next(each.code for each in CITY.categories if each.danger)
    place = SentPlace(lat=INSIDE[0], lon=INSIDE[1])
    sent = report(text=text, category=category, place=place)
    assert normalised(first(sent)).dangerous is dangerous


def test_the_text_is_cleaned() -> None:
    sent = report(text="\u202e  路灯\x00坏了 \n\n\n\n ", place=SentPlace(lat=34.2, lon=108.9))
    assert normalised(first(sent)).text == "路灯坏了"


def test_a_refused_photo_stays_out_and_shows() -> None:
    media = with_photos("a", "b")
    sent = report(media=media, place=SentPlace(lat=34.2, lon=108.9))
    body = normalised(first(sent, Photo(id="a", refused=True), Photo(id="b")))
    assert [each.id for each in body.media] == ["b"]
    assert body.flags == ("photo-unreadable",)


def test_a_photo_refused_later_enriches_what_dispatch_has() -> None:
    sent = report(media=with_photos("a", "b"), place=SentPlace(lat=34.2, lon=108.9))
    known = first(sent, Photo(id="a"), Photo(id="b")).report
    refused = [Photo(id="a", refused=True), Photo(id="b")]
    (event,) = photo_refused(known, refused, NOW, RULES).events
    assert isinstance(event.body, ReportEnriched)
    assert event.body.media and [each.id for each in event.body.media] == ["b"]
    assert event.body.cell == known.cell and event.body.flags == ("photo-unreadable",)
    assert not photo_refused(first(report(text="垃圾")).report, refused, NOW, RULES).events


def test_what_says_where_and_has_no_file_is_decided_at_once() -> None:
    accepted = report(text="垃圾桶满了", place=SentPlace(lat=34.23, lon=108.95, crs="wgs84"))
    assert at_once(accepted, NOW, RULES) == first(accepted)
    assert normalised(at_once(accepted, NOW, RULES)).category == BIN


@pytest.mark.parametrize("place", [None, SentPlace(lat=34.23, lon=108.95, crs="wgs84")])
def test_what_waits_for_something_is_left_to_the_worker(place: SentPlace | None) -> None:
    accepted = report(text="满了", place=place, media=with_photos("a") if place else ())
    decision = at_once(accepted, NOW, RULES)
    assert decision.report is accepted and decision.events == ()


def test_a_decided_report_is_not_decided_again() -> None:
    done = first(report(text="垃圾", place=SentPlace(lat=34.2, lon=108.9))).report
    assert decide(done, [], NOW, RULES) == Decision(done)


def test_events_count_on_from_the_submission() -> None:
    (event,) = first(report(text="垃圾")).events
    assert (event.seq, event.subject, event.correlation_id) == (2, REPORT, REPORT)
    assert event.event_id == event_id(REPORT, "PlaceAsked", 2)
    assert event.source == "intake"
