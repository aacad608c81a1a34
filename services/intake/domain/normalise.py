"""What becomes of a submission: a place and a category, a question, or a refusal.

accepted ── place sent, or in a photo ──▶ normalised | refused (outside the city)
   ├─ a photo is not read yet ──▶ reading ── read, or 2 s later ──▶ as above | place-asked
   └─ no place ──▶ place-asked ── answered, or a late photo's place ──▶ normalised | refused
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from contracts.city import City
from contracts.facts import Event, Fact, new_event
from contracts.places import Place, PlaceSource, to_wgs84
from contracts.reports import (
    PlaceAsked,
    ReportEnriched,
    ReportNormalised,
    ReportRefused,
)
from contracts.submissions import Media, ReportSubmitted, SentPlace
from services.intake.domain.categorise import read_category, says_danger
from services.intake.domain.evidence import flags, observed, seen_in
from services.intake.domain.report import Decision, Photo, Report, Rules, most_chars
from services.intake.domain.text import clean_text

OUTSIDE_CITY = "outside-city"


def at_once(report: Report, now: datetime, rules: Rules) -> Decision:
    """What is decided when it is accepted: a report that says where, and waits for no file.

    Nothing more will be said of it on topic `reports`, so the event may leave at once.
    """
    if report.submitted.place is None or report.submitted.media:
        return Decision(report)
    return decide(report, (), now, rules)


def decide(report: Report, photos: Sequence[Photo], now: datetime, rules: Rules) -> Decision:
    """The first look at a submission."""
    if report.status != "accepted":
        return Decision(report)
    sent = report.submitted.place
    place = place_of(sent, "client") if sent else _place_in(photos)
    if place is not None:
        return _settle(report, place, photos, now, rules)
    if any(not photo.read for photo in photos):
        return Decision(replace(report, status="reading"))
    return _ask(report, now, rules)


def photos_read(report: Report, photos: Sequence[Photo], now: datetime, rules: Rules) -> Decision:
    """The photos' headers are read, in time or late.

    A late place outside the city is no reason to refuse: the reporter was asked and may know.
    """
    place = _place_in(photos)
    if report.status == "reading":
        return _settle(report, place, photos, now, rules) if place else _ask(report, now, rules)
    if report.status == "place-asked" and place and rules.inside(place.lat, place.lon):
        return _settle(report, place, photos, now, rules)
    return Decision(report)


def waited_long_enough(report: Report, now: datetime, rules: Rules) -> Decision:
    """The photos' place did not come in time: the reporter is asked."""
    return _ask(report, now, rules) if report.status == "reading" else Decision(report)


def answered(
    report: Report, sent: SentPlace, photos: Sequence[Photo], now: datetime, rules: Rules
) -> Decision | None:
    """The reporter says where; None when nobody asks."""
    if report.status != "place-asked":
        return None
    return _settle(report, place_of(sent, "answer"), photos, now, rules)


def photo_refused(report: Report, photos: Sequence[Photo], now: datetime, rules: Rules) -> Decision:
    """A photo does not decode after all. Dispatch is told when it has the report already."""
    if report.place is None:
        return Decision(report)
    found = flags(report.submitted, photos, report.place, rules.city.evidence)
    return _enrich(report, now, media=_usable(report, photos), flags=found)


def photo_seen(report: Report, photos: Sequence[Photo], now: datetime, rules: Rules) -> Decision:
    """A photo is decoded, and an earlier report may have come with it. Told as above."""
    if report.place is None:
        return Decision(report)
    before = seen_in(report.submitted, photos)
    if before is None:
        return Decision(report)
    found = flags(report.submitted, photos, report.place, rules.city.evidence)
    return _enrich(report, now, flags=found, same_photo=before)


def transcribed(report: Report, transcript: str, now: datetime, rules: Rules) -> Decision:
    """The voice note is written down. Dispatch is told when it has the report already."""
    report = replace(report, transcript=clean_text(transcript, rules.city.limits.text_chars))
    if report.status != "normalised" or not report.transcript:
        return Decision(report)
    text = _words(report, rules)
    found = read_category(report.submitted.category, text, rules.city, rules.read)
    category = report.category or found.code
    news = category != report.category
    return _enrich(
        replace(report, category=category),
        now,
        text=text,
        category=category if news else None,
        category_source=found.source if news else None,
        dangerous=True if says_danger(text, category, rules.city) else None,
        candidates=found.candidates or None,
    )


def _words(report: Report, rules: Rules) -> str:
    """What the reporter wrote, and said."""
    sent = report.submitted
    words = [each for each in (sent.text, report.transcript) if each]
    return clean_text("\n".join(words), most_chars(rules.city, sent.open311))


def place_of(sent: SentPlace, source: PlaceSource) -> Place:
    """WGS-84, rounded to a centimetre or so."""
    lat, lon = to_wgs84(sent.lat, sent.lon, sent.crs)
    return Place(lat=round(lat, 7), lon=round(lon, 7), accuracy_m=sent.accuracy_m, source=source)


def _place_in(photos: Sequence[Photo]) -> Place | None:
    return next((photo.place for photo in photos if photo.place and not photo.refused), None)


def _settle(
    report: Report, place: Place, photos: Sequence[Photo], now: datetime, rules: Rules
) -> Decision:
    if not rules.inside(place.lat, place.lon):
        return _refuse(report, place, now)
    sent, city = report.submitted, rules.city
    text = _words(report, rules)
    found = read_category(sent.category, text, city, rules.read)
    dangerous = says_danger(text, found.code, city)
    cell = rules.cell(place.lat, place.lon)
    fact = ReportNormalised(
        report_id=report.id,
        reporter_id=sent.reporter_id,
        code=sent.code,
        received_at=sent.received_at,
        place=place,
        cell=cell,
        text=text or None,
        category=found.code,
        category_source=found.source,
        candidates=found.candidates,
        dangerous=dangerous,
        media=_usable(report, photos),
        attributes=sent.attributes,
        flags=flags(sent, photos, place, city.evidence),
        observed_at=_observed_at(sent, photos, city),
        language=sent.language,
        same_photo=seen_in(sent, photos),
    )
    return _say(
        replace(report, status="normalised", place=place, cell=cell, category=found.code), now, fact
    )


def _ask(report: Report, now: datetime, rules: Rules) -> Decision:
    sent = report.submitted
    hints = rules.hints(_words(report, rules))
    fact = PlaceAsked(
        report_id=report.id, reporter_id=sent.reporter_id, code=sent.code, hints=hints
    )
    return _say(replace(report, status="place-asked"), now, fact)


def _refuse(report: Report, place: Place, now: datetime) -> Decision:
    sent = report.submitted
    fact = ReportRefused(
        report_id=report.id,
        reporter_id=sent.reporter_id,
        code=sent.code,
        reason=OUTSIDE_CITY,
        place=place,
    )
    return _say(replace(report, status="refused", place=place, refusal=OUTSIDE_CITY), now, fact)


def _usable(report: Report, photos: Sequence[Photo]) -> tuple[Media, ...]:
    refused = {photo.id for photo in photos if photo.refused}
    return tuple(each for each in report.submitted.media if each.id not in refused)


def _observed_at(sent: ReportSubmitted, photos: Sequence[Photo], city: City) -> datetime | None:
    """By the device's clock, or the time of arrival where that clock is wrong; else by a photo."""
    if sent.observed_at is not None:
        return observed(sent, city.evidence) or sent.received_at
    return _taken_at(photos, sent.received_at)


def _taken_at(photos: Sequence[Photo], received_at: datetime) -> datetime | None:
    """The first photo's time; a camera that is ahead of us is not believed."""
    times = [photo.taken_at for photo in photos if photo.taken_at and not photo.refused]
    return times[0] if times and times[0] <= received_at else None


def _enrich(report: Report, now: datetime, **late: Any) -> Decision:
    """What came late, when dispatch has the report already."""
    if report.status != "normalised" or report.cell is None:
        return Decision(report)
    sent = report.submitted
    fact = ReportEnriched(
        report_id=report.id, reporter_id=sent.reporter_id, cell=report.cell, **late
    )
    return _say(report, now, fact)


def _say(report: Report, now: datetime, fact: Fact) -> Decision:
    seq = report.seq + 1
    event: Event = new_event(
        fact,
        source="intake",
        subject=report.id,
        seq=seq,
        occurred_at=now,
        correlation_id=report.id,
    )
    return Decision(replace(report, seq=seq), (event,))
