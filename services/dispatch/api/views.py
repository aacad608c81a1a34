"""A case as one party may see it: fields by role, places by role and datum."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import msgspec

from contracts.cases import Case
from contracts.city import City
from contracts.facts import ROLES, Role
from contracts.places import from_wgs84, grid_100m
from contracts.submissions import Crs
from runtime.tokens import Caller
from services.dispatch.domain.parties import Party, relations, sees
from services.dispatch.domain.permitting import allowed

HIDDEN = frozenset({"place", "cell", "family", "reports", "watchers", "clocks"})
CLOCKS_HIDDEN = frozenset({"start", "assigned_at", "pauses", "stopped_at", "told"})
FIRST_ONLY = frozenset({"text", "media", "candidates"})
"""What the first reporter sent, and what was read from it: not for those who joined."""
STAFF_ONLY = frozenset(
    {"alternatives", "returns", "responsible", "member", "proof_flags", "suggestions"}
)
"""How an owner was and will be found, who of its people has it, what is odd about its proof, which
other cases may be about the same matter."""
DIGITS = 6


def party_of(caller: Caller) -> Party:
    """The caller as the domain knows people. Only for roles of persons."""
    assert caller.role in ROLES
    return Party(
        role=cast(Role, caller.role),
        id=caller.sub,
        communities=caller.communities,
        departments=caller.departments,
    )


def may_see(case: Case, party: Party) -> bool:
    """Reporters of the case, its owner, who watches it, operators."""
    return sees(case, party)


def full(case: Case, party: Party, now: datetime, city: City, crs: Crs) -> dict[str, Any]:
    """The case for somebody who may see it."""
    fields = msgspec.to_builtins(case)
    hidden = HIDDEN
    if party.role == "reporter":
        hidden = hidden | STAFF_ONLY
    if party.role == "reporter" and case.reports[0].reporter_id != party.id:
        hidden = hidden | FIRST_ONLY
    view: dict[str, Any] = _defaults(case)
    view |= {name: value for name, value in fields.items() if name not in hidden}
    view["place"] = place(case.place.lat, case.place.lon, crs) | _accuracy(case)
    view["clocks"] = {n: v for n, v in fields["clocks"].items() if n not in CLOCKS_HIDDEN}
    view["reports"] = _reports(case, party)
    view["report_count"] = len(case.reports)
    view["allowed"] = list(allowed(case, party, now, city))
    return view


def nearby(case: Case, party: Party, crs: Crs) -> dict[str, Any]:
    """The case for anybody: no text, no pictures, the place on a grid (not for its owner)."""
    lat, lon = seen_at(case, party)
    return {
        "id": case.id,
        "code": case.code,
        "state": case.state,
        "category": case.category,
        "community": case.community,
        "place": place(lat, lon, crs),
        "opened_at": case.opened_at,
        "report_count": len(case.reports),
    }


def seen_at(case: Case, party: Party) -> tuple[float, float]:
    """WGS-84: exact for owner and operator, on the 100 m grid for everybody else."""
    if relations(case, party) & {"owner", "watcher", "operator"}:
        return case.place.lat, case.place.lon
    return grid_100m(case.place.lat, case.place.lon)


def place(lat: float, lon: float, crs: Crs) -> dict[str, Any]:
    """WGS-84 degrees as the client's map wants them."""
    shown_lat, shown_lon = from_wgs84(lat, lon, crs)
    return {"lat": round(shown_lat, DIGITS), "lon": round(shown_lon, DIGITS), "crs": crs}


def _defaults(case: Case) -> dict[str, Any]:
    """Members that JSON of events leaves out when they are not set: answers always have them."""
    return {
        "community": None,
        "department": None,
        "category": None,
        "text": None,
        "dangerous": False,
        "media": [],
        "proof": [],
        "accepted_at": None,
        "resolved_at": None,
        "closed_at": None,
        "disputed_once": False,
        "refusal": None,
        "made_safe_at": None,
        "extension_h": None,
        "question_id": None,
        "candidates": [],
        "alternatives": [],
        "returns": 0,
        "responsible": None,
        "member": None,
        "proof_flags": [],
        "suggestions": [],
    }


def _accuracy(case: Case) -> dict[str, Any]:
    return {} if case.place.accuracy_m is None else {"accuracy_m": case.place.accuracy_m}


def _reports(case: Case, party: Party) -> list[dict[str, Any]]:
    shown = []
    for each in case.reports:
        if party.role == "reporter" and each.reporter_id != party.id:
            continue
        row: dict[str, Any] = {
            "report_id": each.report_id,
            "joined_at": each.joined_at,
            "flags": list(each.flags),
        }
        if party.role == "operator":
            row["reporter_id"] = each.reporter_id
        shown.append(row)
    return shown
