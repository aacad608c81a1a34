"""What every event has: the frozen base of all facts and the envelope round one."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

import msgspec

EVENT_NAMESPACE = UUID("6f2b3f0e-6a5c-5d0a-9b1e-2f4f1d8c7a11")

ROLES = ("reporter", "handler", "department", "operator", "service", "system")
Role = Literal["reporter", "handler", "department", "operator", "service", "system"]


class InvalidEvent(ValueError):
    """An event that no retry can make good: it goes to the dead letters with this reason."""


class Actor(msgspec.Struct, frozen=True):
    """Who did it: a role and an opaque id (never a name, a phone or a device)."""

    role: Role
    id: str


SYSTEM = Actor(role="system", id="system")


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened, in the past tense. Unknown fields are ignored: schemas only grow."""

    def key(self) -> str:
        """The Kafka key of this fact on its topic."""
        raise TypeError(f"{type(self).__name__} has no key")

    def extensions(self) -> dict[str, str]:
        """CloudEvents extension attributes: what consumers may filter by without the body."""
        return {}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact in its envelope (CloudEvents 1.0 attributes by the field's own names).

    `seq` counts the events of one subject from 1; `correlation_id` is the report id that the
    chain started with; `occurred_at` is aware.
    """

    event_id: UUID
    source: str
    subject: str
    seq: int
    occurred_at: datetime
    correlation_id: str
    body: Fact
    traceparent: str | None = None

    @property
    def type(self) -> str:
        return type(self.body).__name__


def event_id(subject: str, type_name: str, seq: int) -> UUID:
    """The id that a re-run makes again: uuid5 of `subject:type:seq` (design.md, "Ids")."""
    return uuid5(EVENT_NAMESPACE, f"{subject}:{type_name}:{seq}")


def new_event(
    body: Fact,
    *,
    source: str,
    subject: str,
    seq: int,
    occurred_at: datetime,
    correlation_id: str,
    traceparent: str | None = None,
) -> Event:
    """An event with its deterministic id."""
    return Event(
        event_id=event_id(subject, type(body).__name__, seq),
        source=source,
        subject=subject,
        seq=seq,
        occurred_at=occurred_at,
        correlation_id=correlation_id,
        body=body,
        traceparent=traceparent,
    )
