"""Who has to hear of an event, written by hand: what notify's own table of notices is held against.

Bodies are the JSON of raw records: nothing of the product's decoding is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

Body = dict[str, Any]
Pair = tuple[str, str]
"""The id of an event, and who heard or has to hear of it."""


def reporters(body: Body) -> set[str]:
    """Everybody who reported the case."""
    return {each["reporter_id"] for each in body["case"]["reports"]}


def first(body: Body) -> set[str]:
    """Who reported it first."""
    return {body["case"]["reports"][0]["reporter_id"]}


def joined(body: Body) -> set[str]:
    """Whose report has just joined it."""
    reports = body["case"]["reports"]
    return {e["reporter_id"] for e in reports if e["report_id"] == body["report_id"]}


def owner(body: Body) -> set[str]:
    """The inboxes of the community and of the department that have it."""
    case = body["case"]
    names = ("community", "department")
    return {f"{name}:{case[name]}" for name in names if case.get(name)}


def watchers(body: Body) -> set[str]:
    """The inboxes of the street and the district that watch it."""
    return {f"community:{code}" for code in body["case"].get("watchers", ())}


def operators(body: Body) -> set[str]:
    """The inbox that the operators share."""
    return {"operators"}


def oneself(body: Body) -> set[str]:
    """The reporter whom the fact is about."""
    return {body["reporter_id"]}


def station(body: Body) -> set[str]:
    """The community that somebody wants to be registered with."""
    return {f"community:{body['community']}"}


HEARS: dict[str, Callable[[Body], set[str]]] = {
    "PlaceAsked": oneself,
    "ReportRefused": oneself,
    "CaseOpened": first,
    "CaseAssigned": owner,
    "ReportJoined": joined,
    "CaseAccepted": reporters,
    "CaseReturned": lambda body: owner(body) or operators(body),
    "CaseResolved": reporters,
    "CaseConfirmed": owner,
    "CaseDisputed": lambda body: owner(body) | operators(body),
    "CaseClosed": reporters,
    "CaseReopened": lambda body: reporters(body) | owner(body),
    "CaseRefused": reporters,
    "CaseWithdrawn": owner,
    "CaseWarned": owner,
    "CaseEscalated": lambda body: owner(body) | watchers(body),
    "PointsCredited": oneself,
    "PointsHeld": oneself,
    "PointsReleased": oneself,
    "PointsReversed": oneself,
    "ObserverRegistered": station,
    "ObserverConfirmed": oneself,
    "ObserverRefused": oneself,
}
"""For what the demo and the fault runs play. Other events of theirs are told to nobody."""
TO_NEIGHBOUR = ("CaseAssigned", "CaseClosed")
"""What the demo's subscriber hears of one case: that it is new, that it is over."""


def has_to_hear(event_id: str, type_: str, body: Body) -> set[Pair]:
    """A pair for each recipient."""
    hears = HEARS.get(type_)
    return {(event_id, who) for who in hears(body)} if hears else set()


def differences(expected: set[Pair], found: Counter[Pair]) -> Iterable[tuple[Pair, int]]:
    """Who did not hear, heard without reason, or more than once: with how often."""
    for each in sorted(expected | found.keys()):
        if found[each] != (each in expected):
            yield each, found[each]
