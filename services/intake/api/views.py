"""A report as other services are told of it."""

from __future__ import annotations

from typing import Any

import msgspec

from services.intake.domain.report import Report


def described(report: Report) -> dict[str, Any]:
    """A report as tracking shows it until its events arrive."""
    sent = report.submitted
    return {
        "id": sent.report_id,
        "code": sent.code,
        "reporter_id": sent.reporter_id,
        "status": "accepted" if report.status == "reading" else report.status,
        "received_at": sent.received_at,
        "text": sent.text,
        "category": report.category or sent.category,
        "place": _place(report),
        "sent_place": msgspec.to_builtins(sent.place),
        "language": sent.language,
        "media": [
            {"id": each.id, "kind": each.kind, "content_type": each.content_type}
            for each in sent.media
        ],
        "attributes": sent.attributes,
        "observed_at": sent.observed_at,
        "refusal": report.refusal,
        "open311": msgspec.to_builtins(sent.open311),
    }


def _place(report: Report) -> dict[str, Any] | None:
    """WGS-84 once it is known."""
    if report.place is None:
        return None
    place = report.place
    return {
        "lat": place.lat,
        "lon": place.lon,
        "accuracy_m": place.accuracy_m,
        "source": place.source,
    }
