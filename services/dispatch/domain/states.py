"""What may become of a case, who may do it and which facts say so: one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from contracts.cases import (
    Case,
    CaseAccepted,
    CaseAssigned,
    CaseClosed,
    CaseCommented,
    CaseConfirmed,
    CaseDisputed,
    CaseFact,
    CaseRefused,
    CaseReopened,
    CaseResolved,
    CaseReturned,
    CaseStarted,
    CaseState,
    CaseVerified,
    CaseWithdrawn,
)
from contracts.city import City
from services.dispatch.domain.parties import Party, Who, relations

Action = Literal[
    "accept",
    "start",
    "resolve",
    "verify",
    "verify-by-time",
    "confirm",
    "dispute",
    "return",
    "refuse",
    "withdraw",
    "reopen",
    "assign",
    "comment",
]

GOLDEN: dict[CaseState, tuple[CaseState, ...]] = {
    "opened": ("assigned", "refused", "withdrawn", "merged"),
    "assigned": ("accepted", "assigned", "opened", "refused", "withdrawn", "merged"),
    "accepted": ("in-progress", "resolved", "suspended", "assigned", "refused", "merged"),
    "in-progress": ("resolved", "suspended", "assigned", "refused", "merged"),
    "suspended": ("in-progress", "assigned", "refused"),
    "resolved": ("verified", "disputed", "in-progress"),
    "disputed": ("in-progress", "verified"),
    "verified": ("closed",),
    "closed": ("assigned",),
    "refused": ("assigned",),
    "withdrawn": (),
    "merged": (),
}
"""The golden table of states. Every step of every row below is in it; a test holds that."""

OPEN: tuple[CaseState, ...] = (
    "opened",
    "assigned",
    "accepted",
    "in-progress",
    "suspended",
    "resolved",
    "disputed",
)
ENDED: frozenset[CaseState] = frozenset({"closed", "refused", "withdrawn", "merged"})
COMMENTABLE: tuple[CaseState, ...] = (*OPEN, "closed", "refused")


def _always(case: Case, now: datetime, city: City) -> bool:
    return True


def _not_disputed_yet(case: Case, now: datetime, city: City) -> bool:
    return not case.disputed_once


def _first_reopening_in_time(case: Case, now: datetime, city: City) -> bool:
    if case.round > 1 or case.closed_at is None:
        return False
    return now - case.closed_at <= timedelta(days=city.reopen_within_days)


def _has_no_objection_left(case: Case, now: datetime, city: City) -> bool:
    if case.resolved_at is None:
        return False
    return now - case.resolved_at >= timedelta(hours=city.verify_after_h)


@dataclass(frozen=True)
class Step:
    """One fact, and the state after it; None leaves the state. `through` lies on the way."""

    fact: type[CaseFact]
    to: CaseState | None = None
    through: CaseState | None = None


@dataclass(frozen=True)
class Row:
    """From any of `froms`, one of `who` may do `action` when `given` holds."""

    action: Action
    froms: tuple[CaseState, ...]
    steps: tuple[Step, ...]
    who: tuple[Who, ...]
    given: Callable[[Case, datetime, City], bool] = _always


_END = (Step(CaseVerified, "verified"), Step(CaseClosed, "closed"))
_AT_WORK: tuple[CaseState, ...] = ("accepted", "in-progress", "suspended")

TABLE: tuple[Row, ...] = (
    Row("assign", ("opened",), (Step(CaseAssigned, "assigned"),), ("operator",)),
    Row("accept", ("assigned",), (Step(CaseAccepted, "accepted"),), ("owner",)),
    Row(
        "start",
        ("accepted", "resolved", "disputed"),
        (Step(CaseStarted, "in-progress"),),
        ("owner",),
    ),
    Row("resolve", ("accepted", "in-progress"), (Step(CaseResolved, "resolved"),), ("owner",)),
    Row("verify", ("resolved", "disputed"), _END, ("operator",)),
    Row("verify-by-time", ("resolved",), _END, ("system",), _has_no_objection_left),
    Row("confirm", ("resolved",), (Step(CaseConfirmed), *_END), ("first-reporter",)),
    Row(
        "dispute",
        ("resolved",),
        (Step(CaseDisputed, "disputed"),),
        ("first-reporter",),
        _not_disputed_yet,
    ),
    # No other candidate yet: the operator finds an owner. Work that was begun goes back to
    # "assigned" first, as the golden table wants it; one fact tells both steps.
    Row("return", ("assigned",), (Step(CaseReturned, "opened"),), ("owner",)),
    Row("return", _AT_WORK, (Step(CaseReturned, "opened", through="assigned"),), ("owner",)),
    Row(
        "refuse",
        ("opened", "assigned", *_AT_WORK),
        (Step(CaseRefused, "refused"),),
        ("owner", "operator"),
    ),
    Row(
        "withdraw", ("opened", "assigned"), (Step(CaseWithdrawn, "withdrawn"),), ("only-reporter",)
    ),
    Row(
        "reopen",
        ("closed",),
        (Step(CaseReopened, "assigned"),),
        ("first-reporter", "operator"),
        _first_reopening_in_time,
    ),
    Row("reopen", ("refused",), (Step(CaseReopened, "assigned"),), ("operator",)),
    Row("comment", COMMENTABLE, (Step(CaseCommented),), ("owner", "operator", "reporter")),
)

CLOSING: frozenset[Action] = frozenset(
    row.action
    for row in TABLE
    for step in row.steps
    if step.to in ENDED or step.fact is CaseReopened
)
"""Actions that change whether a report may join: they take the locks of duplicates."""


def allowed(case: Case, party: Party, now: datetime, city: City) -> tuple[Action, ...]:
    """The actions that the party may take now, in the table's order, each once."""
    roles = relations(case, party)
    found = (
        row.action
        for row in TABLE
        if case.state in row.froms and roles.intersection(row.who) and row.given(case, now, city)
    )
    return tuple(dict.fromkeys(found))


def row_for(case: Case, action: Action, party: Party, now: datetime, city: City) -> Row | None:
    """The row by which the party may do it now."""
    roles = relations(case, party)
    for row in TABLE:
        if row.action == action and case.state in row.froms and roles.intersection(row.who):
            return row if row.given(case, now, city) else None
    return None


def may_ever(action: Action, case: Case, party: Party) -> bool:
    """Whether the table lets such a party do this in any state."""
    roles = relations(case, party)
    return any(row.action == action and roles.intersection(row.who) for row in TABLE)
