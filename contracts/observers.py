"""Facts about observers (reporters who registered), keyed by reporter id."""

from __future__ import annotations

from datetime import datetime

from contracts.facts import Actor, Fact


class ObserverFact(Fact, frozen=True, kw_only=True):
    """Shared by all facts about one observer; `by` did it."""

    reporter_id: str
    by: Actor

    def key(self) -> str:
        return self.reporter_id


class ObserverRegistered(ObserverFact, frozen=True, kw_only=True):
    """Asked a community or street to register them (报到备案)."""

    registration_id: str
    community: str
    registered_at: datetime


class ObserverConfirmed(ObserverFact, frozen=True, kw_only=True):
    """A handler of that community confirmed the registration."""

    registration_id: str
    community: str


class ObserverRefused(ObserverFact, frozen=True, kw_only=True):
    """A handler of that community refused the registration."""

    registration_id: str
    community: str
    reason: str


class DeviceLinked(ObserverFact, frozen=True, kw_only=True):
    """An anonymous device's reporter became part of this signed-in reporter."""

    from_reporter_id: str


class ObserverSuspended(ObserverFact, frozen=True, kw_only=True):
    """An operator took away the right to report and to earn."""

    reason: str


class ObserverReinstated(ObserverFact, frozen=True, kw_only=True):
    """An operator gave that right back."""

    reason: str


class ObserverErased(ObserverFact, frozen=True, kw_only=True):
    """The person asked to be forgotten: every service erases what it holds of them."""


EVENTS = (
    ObserverRegistered,
    ObserverConfirmed,
    ObserverRefused,
    DeviceLinked,
    ObserverSuspended,
    ObserverReinstated,
    ObserverErased,
)
