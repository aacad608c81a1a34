"""A report as its reporter may see it: places in the reader's datum, texts in their language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from cities.areas import Areas
from contracts.cases import Case
from contracts.city import City
from contracts.places import Place, from_wgs84, to_wgs84
from contracts.reports import ReportNormalised
from contracts.submissions import Crs, Media, SentPlace
from services.tracking.domain.searching import overdue
from services.tracking.domain.story import Accepted, Story
from services.tracking.domain.wording import PLACE_ASKED, reason_text

DIGITS = 6


@dataclass(frozen=True)
class Reader:
    """Who looks, when, and how they want it told. `language` empty: as the report was written."""

    id: str
    now: datetime
    crs: Crs
    language: str
    city: City
    areas: Areas

    def language_for(self, story: Story) -> str:
        """The language that the request asks for, else that of the report."""
        return self.language or (story.accepted.language if story.accepted else "zh-CN")


def summary(story: Story, case: Case | None, reader: Reader) -> dict[str, Any]:
    """The report without its timeline."""
    language = reader.language_for(story)
    sent, said = story.accepted, story.normalised
    asked = story.status == "place-asked"
    received_at = sent.received_at if sent else said.received_at if said else None
    return {
        "id": story.id,
        "code": story.code,
        "status": story.status,
        "received_at": received_at,
        "accepted": _accepted(sent, reader) if sent else None,
        "normalised": _normalised(said, reader) if said else None,
        "question": PLACE_ASKED.to(language) if asked else None,
        "hints": story.hints if asked else (),
        "refusal": reason(story.refusal, language, reader),
        "case": _case(case, story, reader) if case else None,
        "links": {
            "self": f"/v1/reports/{story.id}",
            "case": f"/v1/cases/{case.id}" if case else None,
            "place": f"/v1/reports/{story.id}/place" if asked else None,
        },
    }


def reason(code: str | None, language: str, reader: Reader) -> dict[str, str] | None:
    """A reason with its text."""
    if code is None:
        return None
    return {"code": code, "text": reason_text(reader.city, code, language)}


def _accepted(sent: Accepted, reader: Reader) -> dict[str, Any]:
    return {
        "text": sent.text,
        "category": sent.category,
        "place": _sent_place(sent.place, reader.crs) if sent.place else None,
        "media": media(sent.media),
        "attributes": sent.attributes,
        "observed_at": sent.observed_at,
    }


def _normalised(said: ReportNormalised, reader: Reader) -> dict[str, Any]:
    return {
        "text": said.text,
        "category": said.category,
        "category_source": said.category_source,
        "place": place(said.place, reader.crs),
        "media": media(said.media),
        "dangerous": said.dangerous,
        "flags": list(said.flags),
        "observed_at": said.observed_at,
    }


def _case(case: Case, story: Story, reader: Reader) -> dict[str, Any]:
    return {
        "id": case.id,
        "code": case.code,
        "state": case.state,
        "revision": case.revision,
        "round": case.round,
        "community": community(case.community, reader.areas),
        "department": case.department,
        "category": case.category,
        "dangerous": case.dangerous,
        "clocks": clocks(case, reader.now),
        "opened_at": case.opened_at,
        "updated_at": case.updated_at,
        "accepted_at": case.accepted_at,
        "resolved_at": case.resolved_at,
        "closed_at": case.closed_at,
        "refusal": reason(case.refusal, reader.language_for(story), reader),
        "proof": media(case.proof),
        "report_count": len(case.reports),
        "opened_by_this_report": bool(case.reports) and case.reports[0].report_id == story.id,
    }


def clocks(case: Case, now: datetime) -> dict[str, Any]:
    """The limits, and whether the last one has passed while it ran."""
    return {
        "accept_by": case.clocks.accept_by,
        "resolve_by": case.clocks.resolve_by,
        "make_safe_by": case.clocks.make_safe_by,
        "provisional": case.clocks.provisional,
        "suspended_at": case.clocks.suspended_at,
        "overdue": overdue(case, now),
    }


def community(code: str | None, areas: Areas) -> dict[str, str] | None:
    """The community with its names; by its code alone when the city no longer has it."""
    if code is None:
        return None
    known = areas.owners.get(code)
    if known is None:
        return {"code": code, "name": code, "street": "", "district": ""}
    return {
        "code": code,
        "name": known.name,
        "street": known.street,
        "district": known.district,
    }


def media(items: Sequence[Media]) -> list[dict[str, Any]]:
    """As JSON."""
    return [msgspec.to_builtins(each) for each in items]


def place(of: Place, crs: Crs) -> dict[str, Any]:
    """WGS-84 degrees as the client's map wants them."""
    return _shown(of.lat, of.lon, of.accuracy_m, crs)


def _sent_place(sent: SentPlace, crs: Crs) -> dict[str, Any]:
    if sent.crs == crs:
        return {"lat": sent.lat, "lon": sent.lon, "crs": crs, "accuracy_m": sent.accuracy_m}
    return _shown(*to_wgs84(sent.lat, sent.lon, sent.crs), sent.accuracy_m, crs)


def _shown(lat: float, lon: float, accuracy_m: float | None, crs: Crs) -> dict[str, Any]:
    shown_lat, shown_lon = from_wgs84(lat, lon, crs)
    return {
        "lat": round(shown_lat, DIGITS),
        "lon": round(shown_lon, DIGITS),
        "crs": crs,
        "accuracy_m": accuracy_m,
    }
