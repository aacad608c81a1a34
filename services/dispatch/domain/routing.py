"""Who gets a new case, and who next when it is given back: the rules of the city's routing.yaml."""

from __future__ import annotations

from contracts.cases import Alternative
from contracts.city import Routing, Surroundings

AREA = "area"
"""The community that covers the place, behind a department that has the case first."""
SPECIALIST, NEAR_BORDER, NEAREST = "specialist", "near-border", "nearest-community"
STREET, DISTRICT = "no-community-street", "no-community-district"
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
