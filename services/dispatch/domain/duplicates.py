"""Which open case a report belongs to: same family, near, recent; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from contracts.cases import CaseState
from contracts.city import DuplicateRule
from contracts.places import distance_m

# A case that is resolved (or further) is over for whoever sees the matter now: a new case.
JOINABLE: frozenset[CaseState] = frozenset(
    {"opened", "assigned", "accepted", "in-progress", "suspended", "disputed"}
)


class Sighting(msgspec.Struct, frozen=True):
    """What a report says for this purpose: WGS-84 degrees, family, aware instant."""

    lat: float
    lon: float
    family: str
    at: datetime


class Candidate(msgspec.Struct, frozen=True):
    """A case that may be meant; `opened_at` by itself, `active_at` opened or last joined."""

    id: str
    family: str
    lat: float
    lon: float
    state: CaseState
    opened_at: datetime
    active_at: datetime


class Match(NamedTuple):
    """The case that the report joins, and how far from it the report is."""

    case: Candidate
    distance_m: float


def find_duplicate(
    sighting: Sighting, candidates: Iterable[Candidate], rule: DuplicateRule
) -> Match | None:
    """The nearest fitting case, then the oldest, then the lowest id; None opens a new one.

    Both limits are included. A rule of 0 m never joins. A late report (from an offline queue) is
    as near in time as an early one: the window reaches both ways.
    """
    if rule.distance_m <= 0:
        return None
    matches = (
        Match(case, distance_m(sighting.lat, sighting.lon, case.lat, case.lon))
        for case in candidates
        if _may_join(sighting, case, rule)
    )
    near = (match for match in matches if match.distance_m <= rule.distance_m)
    return min(near, key=_preference, default=None)


def _may_join(sighting: Sighting, case: Candidate, rule: DuplicateRule) -> bool:
    apart = abs(sighting.at - case.active_at)
    return (
        sighting.family == case.family == rule.family
        and case.state in JOINABLE
        and apart <= timedelta(hours=rule.window_h)
    )


def _preference(match: Match) -> tuple[float, datetime, str]:
    return match.distance_m, match.case.opened_at, match.case.id
