"""Who acts on a case, and what they are to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.cases import Case
from contracts.facts import Role

Who = Literal["owner", "operator", "first-reporter", "only-reporter", "reporter", "system"]


@dataclass(frozen=True)
class Party:
    """Who acts: a role, an opaque id, and what a member of staff stands for."""

    role: Role
    id: str
    communities: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()


SYSTEM_PARTY = Party("system", "system")


def relations(case: Case, party: Party) -> frozenset[Who]:
    """What the party is to the case; empty: the case does not exist for it."""
    if party.role == "operator":
        return frozenset({"operator"})
    if party.role == "system":
        return frozenset({"system"})
    if party.role == "reporter":
        return _as_reporter(case, party.id)
    owns = (
        case.community in party.communities
        if party.role == "handler"
        else case.department in party.departments
    )
    return frozenset({"owner"}) if owns else frozenset()


def _as_reporter(case: Case, reporter_id: str) -> frozenset[Who]:
    mine = [each.reporter_id == reporter_id for each in case.reports]
    if not any(mine):
        return frozenset()
    found: set[Who] = {"reporter"}
    if mine[0]:
        found.add("first-reporter")
    if all(mine):
        found.add("only-reporter")
    return frozenset(found)
