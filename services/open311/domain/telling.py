"""A report as an Open311 request.

What did not come through Open311 was written for the city, not for the public: it shows neither
text nor photo, and its place on the 100 m grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from uuid import UUID, uuid5

from contracts.cases import OPEN311_STATUS
from contracts.city import OTHER, Category, City, Community
from contracts.places import grid_100m, to_wgs84
from contracts.submissions import Media
from services.open311.domain import catalogue
from services.open311.domain.instants import shown
from services.open311.domain.known import Known, Update
from services.open311.domain.wording import BY_STAFF, NEWS, REPORTS, STATES, with_reason

UPDATES = UUID("0d6f3c52-7a0b-5e53-9a0e-3a4f0c311311")
DIGITS = 6


@dataclass(frozen=True)
class Speech:
    """In which city and language, and where pictures are fetched (`base` ends without a slash)."""

    city: City
    communities: Mapping[str, Community]
    zone: tzinfo
    language: str
    base: str


def status(known: Known) -> str:
    """open or closed."""
    if known.case is not None:
        return OPEN311_STATUS[known.case.state]
    return "closed" if known.story.status == "refused" else "open"


def request(known: Known, speech: Speech, *, extended: bool) -> dict[str, Any]:
    """All members of a request; `extended` adds the de-facto `extended_attributes`."""
    category = category_of(known, speech.city)
    origin, case, zone = known.origin, known.case, speech.zone
    lat, lon = _place(known)
    media = media_urls(known, speech.base)
    told = {
        "service_request_id": known.story.id,
        "status": status(known),
        "status_notes": _notes(known, speech),
        "service_name": catalogue.name(speech.city, category, speech.language),
        "service_code": category.code,
        "description": _description(known, category),
        "agency_responsible": _agency(known, speech),
        "service_notice": None,
        "requested_datetime": _requested(known, zone),
        "updated_datetime": _updated(known, zone),
        "expected_datetime": shown(case.clocks.resolve_by, zone) if case else None,
        "address": (origin.address if origin else None) or _area(known, speech),
        "address_id": origin.address_id if origin else None,
        "zipcode": None,
        "lat": lat,
        "long": lon,
        "media_url": media[0] if media else None,
    }
    return told | ({"extended_attributes": _extended(known, speech, media)} if extended else {})


def update(each: Update, speech: Speech) -> dict[str, Any]:
    """Something that happened, with an id that it keeps."""
    return {
        "update_id": str(uuid5(UPDATES, f"{each.report_id}:{each.case_id}:{each.seq}")),
        "service_request_id": each.report_id,
        "status": OPEN311_STATUS[each.state],
        "updated_datetime": shown(each.at, speech.zone),
        "description": _news(each.type, each.reason, each.note if each.open311 else None, speech),
        "media_url": None,
    }


def category_of(known: Known, city: City) -> Category:
    """The case's, else the report's, else "other"."""
    story, case = known.story, known.case
    for source in (case, story.normalised, story.accepted):
        if source is not None and (found := city.category(source.category)):
            return found
    return city.filed_under[OTHER]


def public_media(known: Known) -> list[Media]:
    """Photos that may be shown to anybody."""
    if known.origin is None or known.story.accepted is None:
        return []
    hidden = set(known.origin.private_media)
    sent = known.story.accepted.media
    return [each for each in sent if each.kind == "photo" and each.id not in hidden]


def media_urls(known: Known, base: str) -> list[str]:
    """Photos at this door, then what lies on the client's own server."""
    ours = [
        f"{base}/requests/{known.story.id}/media/{number}.jpg"
        for number, _ in enumerate(public_media(known), 1)
    ]
    return ours + list(known.origin.media_urls if known.origin else ())


def _requested(known: Known, zone: tzinfo) -> str | None:
    told = known.story.accepted or known.story.normalised
    at = told.received_at if told else known.updated_at
    return shown(at, zone) if at else None


def _updated(known: Known, zone: tzinfo) -> str | None:
    return shown(known.updated_at, zone) if known.updated_at else _requested(known, zone)


def _place(known: Known) -> tuple[float | None, float | None]:
    story = known.story
    sent = story.accepted.place if story.accepted else None
    if sent is not None:
        place = to_wgs84(sent.lat, sent.lon, sent.crs)
    elif (settled := known.case or story.normalised) is not None:
        place = (settled.place.lat, settled.place.lon)
    else:
        return None, None
    lat, lon = place if known.origin else grid_100m(*place)
    return round(lat, DIGITS), round(lon, DIGITS)


def _description(known: Known, category: Category) -> str | None:
    if known.origin is None or known.story.accepted is None:
        return None
    text = known.story.accepted.text
    return None if text in (category.name.zh, category.name.en) else text


def _agency(known: Known, speech: Speech) -> str | None:
    case = known.case
    if case is None:
        return None
    if case.department and (department := speech.city.departments.get(case.department)):
        return department.to(speech.language)
    community = speech.communities.get(case.community or "")
    return community.name if community else case.community


def _area(known: Known, speech: Speech) -> str | None:
    case = known.case
    community = speech.communities.get(case.community or "") if case else None
    return f"{community.district}{community.street}{community.name}" if community else None


def _notes(known: Known, speech: Speech) -> str:
    story, case = known.story, known.case
    if case is not None:
        return with_reason(STATES[case.state], case.refusal, speech.city, speech.language)
    return with_reason(REPORTS[story.status], story.refusal, speech.city, speech.language)


def _news(kind: str, reason: str | None, note: str | None, speech: Speech) -> str:
    text = with_reason(NEWS[kind], reason, speech.city, speech.language)
    return f"{text}\n{note}" if note and kind in BY_STAFF else text


def _extended(known: Known, speech: Speech, media: list[str]) -> dict[str, Any]:
    own = known.origin is not None
    return {
        "detailed_status": known.case.state if known.case else known.story.status,
        "media_urls": media,
        "notes": [
            {
                "datetime": shown(each.at, speech.zone),
                "type": each.type,
                "description": _news(each.type, each.reason, each.note if own else None, speech),
            }
            for each in known.lines
            if each.type in NEWS
        ],
    }
