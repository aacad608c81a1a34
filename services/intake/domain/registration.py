"""Registration of observers (报到备案): where one may register, who may decide, what is said."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.city import City
from contracts.facts import Actor, Event
from contracts.observers import (
    ObserverConfirmed,
    ObserverFact,
    ObserverRefused,
    ObserverRegistered,
)
from services.intake.domain.observer import event_about

STREET_DIGITS = 9
STREET_TAIL = "000"

RegistrationState = Literal["pending", "confirmed", "refused"]
Decision = Literal["confirm", "refuse"]
RefusalReason = Literal["did-not-come", "other-area", "registered-twice", "other"]
"""Codes, not free text: what stands in an event says nothing about a person."""
STATE_AFTER: dict[Decision, RegistrationState] = {"confirm": "confirmed", "refuse": "refused"}


@dataclass(frozen=True)
class Registration:
    """One request. `community`: 12 digits of a community, or 9 of a street."""

    id: str
    code: str
    reporter_id: str
    community: str
    state: RegistrationState
    registered_at: datetime
    decided_at: datetime | None = None
    reason: str | None = None


def place_of(code: str, communities: Collection[str], city: City) -> str | None:
    """The code as it is kept, None when the city has no such community or street.

    A street is known by its 9 digits or by the 12 of the list of divisions.
    """
    if code in communities:
        return code
    whole = code + STREET_TAIL if len(code) == STREET_DIGITS else code
    division = city.divisions.get(whole)
    if division is not None and division.level == "street" and whole.endswith(STREET_TAIL):
        return whole[:STREET_DIGITS]
    return None


def name_of(place: str, city: City) -> str:
    """What people call the community or street."""
    whole = place + STREET_TAIL if len(place) == STREET_DIGITS else place
    return city.divisions[whole].name


def may_decide(place: str, communities: Collection[str]) -> bool:
    """A handler of the community; for a street, a handler of any community in it."""
    if len(place) == STREET_DIGITS:
        return any(each.startswith(place) for each in communities)
    return place in communities


def registered(of: Registration, seq: int) -> Event:
    """The fact that it was asked for."""
    fact = ObserverRegistered(
        reporter_id=of.reporter_id,
        by=Actor("reporter", of.reporter_id),
        registration_id=of.id,
        community=of.community,
        registered_at=of.registered_at,
    )
    return event_about(fact, seq, of.registered_at)


def decided(of: Registration, handler_id: str, seq: int, at: datetime) -> Event:
    """The fact that a handler confirmed or refused it."""
    by = Actor("handler", handler_id)
    fact: ObserverFact
    if of.state == "confirmed":
        fact = ObserverConfirmed(
            reporter_id=of.reporter_id, by=by, registration_id=of.id, community=of.community
        )
    else:
        fact = ObserverRefused(
            reporter_id=of.reporter_id,
            by=by,
            registration_id=of.id,
            community=of.community,
            reason=of.reason or "",
        )
    return event_about(fact, seq, at)
