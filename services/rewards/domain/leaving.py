"""How a booked fact leaves: as an event of its reporter."""

from __future__ import annotations

from datetime import datetime

from contracts.facts import Event, new_event
from services.rewards.domain.book import Booked

SERVICE = "rewards"


def event_of(booked: Booked, at: datetime, traceparent: str | None = None) -> Event:
    """The event; its chain began with the report that earned the points."""
    return new_event(
        booked.fact,
        source=SERVICE,
        subject=booked.fact.reporter_id,
        seq=booked.seq,
        occurred_at=at,
        correlation_id=booked.report_id,
        traceparent=traceparent,
    )
