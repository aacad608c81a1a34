"""Who gets a new case, and who next when it is given back: the rules of the city's routing.yaml."""

from __future__ import annotations

from typing import Any

from contracts.cases import Alternative, Case
from contracts.city import City, Routing, Surroundings
from contracts.reports import CategorySource

AREA = "area"
"""The community that covers the place, behind a department that has the case first."""
SPECIALIST, NEAR_BORDER, NEAREST = "specialist", "near-border", "nearest-community"
STREET, DISTRICT = "no-community-street", "no-community-district"
SURE: tuple[CategorySource, ...] = ("client", "alias")
"""Of the ways in which a category was found, those that a specialist is sent for."""
MOST = 4


def owners(where: Surroundings, category: str | None, routing: Routing) -> tuple[Alternative, ...]:
    """In the order in which they are asked; the reason of each is for the timeline.

    Empty: nobody, the operator decides.
    """
    found = list(_by_place(where, routing))
    if department := routing.specialists.get(category or ""):
        found.insert(0, Alternative(department=department, reason=SPECIALIST))
    return tuple(found[:MOST])


def _by_place(where: Surroundings, routing: Routing) -> list[Alternative]:
    if where.community is not None:
        own = Alternative(community=where.community, reason=AREA)
        return [own, *(Alternative(community=code, reason=NEAR_BORDER) for code in where.near)]
    if where.near:
        return [Alternative(community=code, reason=NEAREST) for code in where.near]
    above = {"street": (where.street, STREET), "district": (where.district, DISTRICT)}
    asked = [above[level] for level in routing.last_resort]
    return [Alternative(community=code, reason=reason) for code, reason in asked if code]


def specialist(case: Case, category: str | None, city: City) -> str | None:
    """The department of a category that is said now, unless it has the case already."""
    said = city.category(category)
    department = city.routing.specialists.get(said.code) if said else None
    return department if department != case.department else None


def to_specialist(case: Case, department: str, community: str | None) -> dict[str, Any]:
    """What changes in the case: its community is informed, and the next to be asked."""
    area = () if community is None else (community,)
    asked_next = (Alternative(community=each, reason=AREA) for each in area)
    return {
        "community": None,
        "department": department,
        "alternatives": (*asked_next, *case.alternatives)[: MOST - 1],
        "watchers": tuple(dict.fromkeys((*case.watchers, *area))),
    }
