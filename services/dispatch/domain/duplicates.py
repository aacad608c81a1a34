"""Which open case a report belongs to, and which may be meant: place, words, photo; pure.

Evidence is weighed in nats (natural logarithms of odds): 0 and more joins, `suggest_above` and more
is shown to the handler. The place alone says 0 at the family's `distance_m`, by the normal law of
errors of two places; where the devices say that they know their place less well than usual, it says
less the further it is, but never less than for usual ones. Sums and weights: `Sameness`.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from datetime import datetime, timedelta
from math import inf, log
from typing import NamedTuple

import msgspec

from contracts.cases import CaseState, SameBy
from contracts.city import DuplicateRule
from contracts.places import distance_m
from services.dispatch.domain.wording import Said, said

# A case that is resolved (or further) is over for whoever sees the matter now: a new case.
JOINABLE: frozenset[CaseState] = frozenset(
    {"opened", "assigned", "accepted", "in-progress", "suspended", "disputed"}
)
SHARE_WITHIN = 1.515
"""An accuracy is the radius that holds 68 %: so many standard deviations of one axis."""


class Sighting(msgspec.Struct, frozen=True):
    """What a report says for this purpose: WGS-84 degrees, metres, family, aware instant."""

    lat: float
    lon: float
    family: str
    at: datetime
    accuracy_m: float | None = None
    text: str | None = None


class Candidate(msgspec.Struct, frozen=True):
    """A case that may be meant; `opened_at` by itself, `active_at` opened or last joined."""

    id: str
    family: str
    lat: float
    lon: float
    state: CaseState
    opened_at: datetime
    active_at: datetime
    code: str = ""
    accuracy_m: float | None = None
    text: str | None = None


class Match(NamedTuple):
    """A case that the report joins or may mean: how far from it the report is, how sure that is
    (nats), and by what beside the place."""

    case: Candidate
    distance_m: float
    nats: float
    same_by: tuple[SameBy, ...]

    @property
    def joins(self) -> bool:
        return self.nats >= 0


def compare(
    sighting: Sighting,
    candidates: Iterable[Candidate],
    rule: DuplicateRule,
    ordinary: Set[str] = frozenset(),
    photographed: str | None = None,
) -> list[Match]:
    """Cases that may be meant: the likeliest first, then the nearest, the oldest, the lowest id.

    All limits are included. A rule of 0 m never joins and suggests nothing. A late report (from an
    offline queue) is as near in time as an early one: the window reaches both ways.
    `ordinary`: pieces of what is said of every thing of the family (`wording.said`).
    `photographed`: the id of the case to which an earlier report with the same photo belongs.
    """
    if rule.distance_m <= 0:
        return []
    matches = (
        _weighed(sighting, case, rule, ordinary, case.id == photographed)
        for case in candidates
        if _may_join(sighting, case, rule)
    )
    likely = (each for each in matches if each.nats >= rule.sameness.suggest_above)
    return sorted(likely, key=_preference)


def _weighed(
    sighting: Sighting,
    case: Candidate,
    rule: DuplicateRule,
    ordinary: Set[str],
    same_photo: bool,
) -> Match:
    apart_m = distance_m(sighting.lat, sighting.lon, case.lat, case.lon)
    if apart_m > rule.reach_m:
        return Match(case, apart_m, -inf, ())
    words = said(sighting.text, case.text, ordinary)
    if rule.in_rows:
        words -= {"same-names"}
    nats = _by_place(apart_m, sighting.accuracy_m, case.accuracy_m, rule)
    nats += _by_words(words, rule)
    same_by: tuple[SameBy, ...] = ("words",) if words & {"same-number", "same-names"} else ()
    if same_photo:
        return Match(case, apart_m, nats + rule.sameness.same_photo, (*same_by, "photo"))
    return Match(case, apart_m, nats, same_by)


def _by_place(apart_m: float, one: float | None, other: float | None, rule: DuplicateRule) -> float:
    """0 at the rule's distance, for places that are known as well as usual."""
    usual = max(2 * _variance(rule.sameness.usual_accuracy_m), rule.distance_m**2 / 4)
    at_limit = rule.distance_m**2 / usual
    variance = _variance(one or 0.0) + _variance(other or 0.0)
    as_usual = (at_limit - apart_m**2 / usual) / 2
    if variance <= usual:
        return as_usual
    return max(as_usual, (at_limit - apart_m**2 / variance) / 2 - log(variance / usual))


def _variance(accuracy_m: float) -> float:
    return (accuracy_m / SHARE_WITHIN) ** 2


def _by_words(words: Set[Said], rule: DuplicateRule) -> float:
    weights = rule.sameness
    weight: dict[Said, float] = {
        "same-number": weights.same_number,
        "other-number": weights.other_number,
        "other-side": weights.other_side,
        "same-names": weights.same_names,
    }
    return sum(weight[each] for each in words)


def _may_join(sighting: Sighting, case: Candidate, rule: DuplicateRule) -> bool:
    apart = abs(sighting.at - case.active_at)
    return (
        sighting.family == case.family == rule.family
        and case.state in JOINABLE
        and apart <= timedelta(hours=rule.window_h)
    )


def _preference(match: Match) -> tuple[float, float, datetime, str]:
    return -match.nats, match.distance_m, match.case.opened_at, match.case.id
