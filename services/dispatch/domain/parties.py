"""Who acts on a case, and what they are to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.cases import Case
from contracts.facts import Role

Who = Literal[
    "owner",
    "watcher",
    "operator",
    "first-reporter",
    "only-reporter",
    "reporter",
    "bystander",
    "system",
]
"""`watcher` stands for who watches, and who accepted the case and gave it on, until somebody else
has accepted it; `bystander` reported something else."""


@dataclass(frozen=True)
class Party:
    """Who acts: a role, an opaque id, and what a member of staff stands for."""

    role: Role
    id: str
    communities: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()


SYSTEM_PARTY = Party("system", "system")


def relations(case: Case, party: Party) -> frozenset[Who]:
    """What the party is to the case; empty: the case does not exist for it.

    A bystander sees what everybody sees of it (`sees`).
    """
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
    if owns:
        return frozenset({"owner"})
    mine = party.communities if party.role == "handler" else party.departments
    watches = not mine.isdisjoint((*case.watchers, case.responsible))
    return frozenset({"watcher"}) if watches else frozenset()


def sees(case: Case, party: Party) -> bool:
    """Whether the case is the party's to look at: its reporters, owner, watchers, operators."""
    return bool(relations(case, party) - {"bystander"})


def _as_reporter(case: Case, reporter_id: str) -> frozenset[Who]:
    mine = [each.reporter_id == reporter_id for each in case.reports]
    if not any(mine):
        return frozenset({"bystander"})
    found: set[Who] = {"reporter"}
    if mine[0]:
        found.add("first-reporter")
    if all(mine):
        found.add("only-reporter")
    return frozenset(found)
