"""Whether after-photos show the place, and the time after the work: flags, never a no.

A flagged proof is not verified by time alone, unless the handler said why (a note): then a person
looks. What a photo does not tell (its place, its time) is held against nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.cases import Case
from contracts.city import Evidence
from contracts.places import Place, distance_m
from contracts.submissions import Media

ELSEWHERE = "proof-elsewhere"
"""No photo with a place was taken near the case."""
OLD = "proof-old"
"""No photo with a time was taken since the case was accepted."""
AHEAD = "proof-ahead"
"""Taken after now: the camera's clock is wrong."""


@dataclass(frozen=True)
class Shot:
    """A photo with what it says of itself."""

    media: Media
    taken_at: datetime | None = None
    place: Place | None = None


def flags(shots: Sequence[Shot], case: Case, now: datetime, rule: Evidence) -> tuple[str, ...]:
    """Each that holds, once, in a fixed order."""
    times = [each.taken_at for each in shots if each.taken_at]
    away = [
        distance_m(each.place.lat, each.place.lon, case.place.lat, case.place.lon)
        for each in shots
        if each.place
    ]
    leeway = timedelta(seconds=rule.clock_ahead_s)
    since = (case.accepted_at or case.opened_at) - leeway
    holds = {
        ELSEWHERE: bool(away) and min(away) > rule.photo_distance_m,
        OLD: bool(times) and max(times) < since,
        AHEAD: any(each > now + leeway for each in times),
    }
    return tuple(name for name, does in holds.items() if does)
