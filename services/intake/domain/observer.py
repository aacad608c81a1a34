"""What an operator decides of a reporter, and how every fact about one leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.facts import Actor, Event, new_event
from contracts.observers import (
    DeviceLinked,
    ObserverErased,
    ObserverFact,
    ObserverReinstated,
    ObserverSuspended,
)

SERVICE = "intake"

ObserverState = Literal["active", "suspended"]
StandingReason = Literal[
    "three-strikes",
    "staged-photos",
    "abuse",
    "several-accounts",
    "appeal-granted",
    "time-served",
    "by-mistake",
    "other",
]
"""Codes, not free text: what stands in an event says nothing about a person."""


@dataclass(frozen=True)
class Observer:
    """A reporter as operators see them; `reason` and `since` belong to the latest decision."""

    id: str
    state: ObserverState
    reason: str | None
    since: datetime | None
    created_at: datetime


def standing_changed(of: Observer, operator_id: str, seq: int, at: datetime) -> Event:
    """The fact that an operator suspended or reinstated them."""
    fact = ObserverSuspended if of.state == "suspended" else ObserverReinstated
    by = Actor("operator", operator_id)
    return event_about(fact(reporter_id=of.id, by=by, reason=of.reason or ""), seq, at)


def erased(reporter_id: str, seq: int, at: datetime) -> Event:
    """The fact that they asked to be forgotten."""
    by = Actor("reporter", reporter_id)
    return event_about(ObserverErased(reporter_id=reporter_id, by=by), seq, at)


def linked(person: str, device: str, seq: int, at: datetime) -> Event:
    """The fact that an anonymous device's reporter became part of this person."""
    fact = DeviceLinked(reporter_id=person, by=Actor("reporter", person), from_reporter_id=device)
    return event_about(fact, seq, at)


def event_about(fact: ObserverFact, seq: int, at: datetime) -> Event:
    """Any fact about a reporter; `seq` is the reporter's."""
    return new_event(
        fact,
        source=SERVICE,
        subject=fact.reporter_id,
        seq=seq,
        occurred_at=at,
        correlation_id=fact.reporter_id,
    )
