"""What a person asked to hear of, and which cases that lets through.

Whoever subscribes learns what anybody may see. So a place is compared by the middle of its 100 m
square: many small circles tell no more of it than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import cos, radians

from contracts.cases import Case
from contracts.city import City
from contracts.notice_table import FOLLOWERS, SUBSCRIBERS
from contracts.places import METRES_PER_DEG_LAT, distance_m, grid_100m

MOST_SUBSCRIPTIONS = 20
LEAST_RADIUS_M, MOST_RADIUS_M = 100, 5000
SMALLEST_COSINE = 0.01
STREET_DIGITS, DISTRICT_DIGITS, DIVISION_DIGITS = 9, 6, 12


@dataclass(frozen=True)
class Circle:
    """WGS-84 degrees and metres."""

    lat: float
    lon: float
    radius_m: int

    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the circle, in degrees; perhaps a little more."""
        north = self.radius_m / METRES_PER_DEG_LAT * 1.01
        east = north / max(cos(radians(self.lat)), SMALLEST_COSINE)
        return self.lon - east, self.lat - north, self.lon + east, self.lat + north

    def holds(self, lat: float, lon: float) -> bool:
        """Whether the point is inside."""
        return distance_m(self.lat, self.lon, lat, lon) <= self.radius_m


@dataclass(frozen=True, kw_only=True)
class Target:
    """One case; or a circle, or a division (12 digits), or none, narrowed by a category.

    `category` is a code that cases are filed under.
    """

    case_id: str | None = None
    circle: Circle | None = None
    division: str | None = None
    category: str | None = None

    def text(self) -> str:
        """The same for the same wish, and for no other."""
        circle = self.circle
        at = f"{circle.lat:.6f},{circle.lon:.6f},{circle.radius_m}" if circle else ""
        return "|".join((self.case_id or "", at, self.division or "", self.category or ""))


@dataclass(frozen=True)
class Sight:
    """What subscriptions are asked about a case: its square, divisions, category, and when."""

    case_id: str
    lat: float
    lon: float
    divisions: tuple[str, ...]
    category: str
    at: datetime


def sight_of(case: Case, at: datetime, city: City) -> Sight:
    """`category` is empty for a case that is filed under none."""
    filed = city.category(case.category)
    lat, lon = grid_100m(case.place.lat, case.place.lon)
    code = filed.code if filed else ""
    return Sight(case.id, lat, lon, divisions_of(case.community), code, at)


def divisions_of(community: str | None) -> tuple[str, ...]:
    """The community (or street), its street and district, as 12 digits."""
    if not community:
        return ()
    parts = (community, community[:STREET_DIGITS], community[:DISTRICT_DIGITS])
    return tuple(dict.fromkeys(part.ljust(DIVISION_DIGITS, "0") for part in parts))


@dataclass(frozen=True)
class Match:
    """A subscription that an index found; `circle` is still to be measured."""

    at: int
    recipient: str
    follows: bool
    circle: Circle | None


@dataclass
class Subscribed:
    """Who asked to hear of a case: of it alone (`followers`), or in any way (`subscribers`)."""

    followers: set[str] = field(default_factory=set)
    subscribers: set[str] = field(default_factory=set)

    def named(self, word: str) -> set[str]:
        """Those behind a word of the table's `to`."""
        return {FOLLOWERS: self.followers, SUBSCRIBERS: self.subscribers}.get(word, set())


def subscribed(sights: Mapping[int, Sight], matches: Iterable[Match]) -> dict[int, Subscribed]:
    """By the number of the sight: the matches whose circle holds it."""
    found: dict[int, Subscribed] = {at: Subscribed() for at in sights}
    for match in matches:
        sight = sights[match.at]
        if match.circle is not None and not match.circle.holds(sight.lat, sight.lon):
            continue
        found[match.at].subscribers.add(match.recipient)
        if match.follows:
            found[match.at].followers.add(match.recipient)
    return found
