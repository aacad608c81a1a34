"""Which webhooks hear of a fact, and what they are told: public facts, no person, no text.

A receiver stands outside the installation, so it gets what anybody may see: no reporter ids, no
report or note texts, no media, and the place on the 100 m grid. Whoever may see more asks
GET /v1/cases/{id} with a token of their own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from contracts.cases import CaseFact
from contracts.envelope import source_of
from contracts.facts import Event
from contracts.places import grid_100m

DELIVERY_NAMESPACE = UUID("0d5f3d54-6a0e-5f0c-8f0f-5b1f7d8d2a77")
TEST = "WebhookTest"
_DETAILS = ("previous", "into", "hours", "department", "to", "fixed")
_CASE = (
    "id",
    "code",
    "state",
    "seq",
    "revision",
    "round",
    "category",
    "community",
    "department",
    "dangerous",
    "opened_at",
    "updated_at",
    "accepted_at",
    "resolved_at",
    "closed_at",
    "refusal",
)


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook wants to hear; an empty tuple lets everything through."""

    webhook_id: UUID
    event_types: tuple[str, ...] = ()
    communities: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def wants(self, fact: CaseFact, category: str | None) -> bool:
        """Whether all three lists let the fact through; `category` is what its case is filed as."""
        case = fact.case
        return (
            _lets(self.event_types, type(fact).__name__)
            and _lets(self.communities, case.community)
            and _lets(self.categories, category)
        )


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one webhook; its id is the `webhook-id` of every attempt."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    type: str
    about: str
    correlation_id: str
    occurred_at: datetime
    body: str


def delivery(webhook_id: UUID, event: Event, body: str) -> Delivery:
    """The delivery of an event; a re-run makes the same one."""
    return Delivery(
        id=uuid5(DELIVERY_NAMESPACE, f"{webhook_id}:{event.event_id}"),
        webhook_id=webhook_id,
        event_id=event.event_id,
        type=event.type,
        about=event.subject,
        correlation_id=event.correlation_id,
        occurred_at=event.occurred_at,
        body=body,
    )


def trial(webhook_id: UUID, event_id: UUID, now: datetime) -> Delivery:
    """What POST …/test sends: the same shape with no case in it."""
    body = _cloud_event(event_id, "notify", TEST, str(webhook_id), now, {"test": True})
    return Delivery(
        id=uuid5(DELIVERY_NAMESPACE, f"{webhook_id}:{event_id}"),
        webhook_id=webhook_id,
        event_id=event_id,
        type=TEST,
        about=str(webhook_id),
        correlation_id=str(webhook_id),
        occurred_at=now,
        body=body,
    )


def payload(event: Event) -> str:
    """The JSON that every webhook gets for this event: CloudEvents 1.0, structured mode."""
    fact = event.body
    assert isinstance(fact, CaseFact)
    case = fact.case
    lat, lon = grid_100m(case.place.lat, case.place.lon)
    shown: dict[str, Any] = {name: getattr(case, name) for name in _CASE}
    shown["place"] = {"lat": lat, "lon": lon, "crs": "wgs84", "accuracy_m": 100}
    shown["report_count"] = len(case.reports)
    shown["clocks"] = case.clocks
    data: dict[str, Any] = {"case": shown, "by": {"role": fact.by.role}, "reason": fact.reason}
    data |= {name: getattr(fact, name) for name in _DETAILS if hasattr(fact, name)}
    return _cloud_event(
        event.event_id, event.source, event.type, event.subject, event.occurred_at, data
    )


def _cloud_event(
    event_id: UUID, source: str, type_name: str, subject: str, at: datetime, data: dict[str, Any]
) -> str:
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": source_of(source),
            "type": type_name,
            "subject": subject,
            "time": at,
            "datacontenttype": "application/json",
            "data": data,
        }
    ).decode()


def _lets(wanted: tuple[str, ...], value: str | None) -> bool:
    return not wanted or value in wanted
