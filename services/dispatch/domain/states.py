"""What may become of a case, who may do it and which facts say so: one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.cases import (
    Case,
    CaseAccepted,
    CaseAssigned,
    CaseChecked,
    CaseClosed,
    CaseCommented,
    CaseConfirmed,
    CaseDisputed,
    CaseEnriched,
    CaseFact,
    CaseMadeSafe,
    CaseMerged,
    CaseMoved,
    CaseRecategorised,
    CaseRefused,
    CaseReopened,
    CaseResolved,
    CaseResumed,
    CaseReturned,
    CaseStarted,
    CaseState,
    CaseSuspended,
    CaseTransferred,
    CaseVerified,
    CaseWithdrawn,
    ExtensionDenied,
    ExtensionGranted,
    ExtensionRequested,
    QuestionAnswered,
    QuestionAsked,
    ReportJoined,
    ReportSeparated,
)
from contracts.city import City
from services.dispatch.domain.conditions import (
    always,
    extension_asked,
    first_reopening_in_time,
    has_joined_ones,
    has_no_objection_left,
    no_extension_asked,
    not_disputed_yet,
    not_made_safe,
    question_asked,
    takes_more,
)
from services.dispatch.domain.parties import Who

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
    "transfer",
    "suspend",
    "resume",
    "made-safe",
    "request-extension",
    "grant-extension",
    "deny-extension",
    "ask",
    "answer",
    "correct",
    "recategorise",
    "move",
    "check",
    "join",
    "merge",
    "separate",
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


@dataclass(frozen=True)
class Step:
    """One fact, and the state after it; None leaves the state. `through` lies on the way.

    `if_said`: only when the command says something of the kind (`changing.SAID`).
    """

    fact: type[CaseFact]
    to: CaseState | None = None
    through: CaseState | None = None
    if_said: bool = False


@dataclass(frozen=True)
class Row:
    """From any of `froms`, one of `who` may do `action` when `given` holds."""

    action: Action
    froms: tuple[CaseState, ...]
    steps: tuple[Step, ...]
    who: tuple[Who, ...]
    given: Callable[[Case, datetime, City], bool] = always


_END = (Step(CaseVerified, "verified"), Step(CaseClosed, "closed"))
_NEXT = Step(CaseAssigned, "assigned", if_said=True)
_AT_WORK: tuple[CaseState, ...] = ("accepted", "in-progress", "suspended")
_IN_HAND: tuple[CaseState, ...] = ("opened", "assigned", *_AT_WORK, "disputed")
_HANDS: tuple[Who, ...] = ("owner", "operator")

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
    Row("verify-by-time", ("resolved",), _END, ("system",), has_no_objection_left),
    Row("confirm", ("resolved",), (Step(CaseConfirmed), *_END), ("first-reporter",)),
    Row(
        "dispute",
        ("resolved",),
        (Step(CaseDisputed, "disputed"),),
        ("first-reporter",),
        not_disputed_yet,
    ),
    # To the next candidate, if there is one; else the operator finds an owner. Work that was begun
    # goes back to "assigned" first, as the golden table wants it; one fact tells both steps.
    Row("return", ("assigned",), (Step(CaseReturned, "opened"), _NEXT), ("owner",)),
    Row("return", _AT_WORK, (Step(CaseReturned, "opened", through="assigned"), _NEXT), ("owner",)),
    Row(
        "refuse",
        ("opened", "assigned", *_AT_WORK),
        (Step(CaseRefused, "refused"),),
        _HANDS,
    ),
    Row(
        "withdraw", ("opened", "assigned"), (Step(CaseWithdrawn, "withdrawn"),), ("only-reporter",)
    ),
    Row(
        "reopen",
        ("closed",),
        (Step(CaseReopened, "assigned"),),
        ("first-reporter", "operator"),
        first_reopening_in_time,
    ),
    Row("reopen", ("refused",), (Step(CaseReopened, "assigned"),), ("operator",)),
    Row(
        "comment", COMMENTABLE, (Step(CaseCommented),), ("owner", "watcher", "operator", "reporter")
    ),
    Row(
        "transfer",
        ("assigned", *_AT_WORK),
        (Step(CaseTransferred, "assigned"),),
        _HANDS,
    ),
    Row("suspend", ("accepted", "in-progress"), (Step(CaseSuspended, "suspended"),), ("owner",)),
    Row("resume", ("suspended",), (Step(CaseResumed, "in-progress"),), _HANDS),
    Row("made-safe", _AT_WORK, (Step(CaseMadeSafe),), ("owner",), not_made_safe),
    Row(
        "request-extension",
        _AT_WORK,
        (Step(ExtensionRequested),),
        ("owner",),
        no_extension_asked,
    ),
    Row("grant-extension", _AT_WORK, (Step(ExtensionGranted),), ("operator",), extension_asked),
    Row("deny-extension", _AT_WORK, (Step(ExtensionDenied),), ("operator",), extension_asked),
    Row("ask", _IN_HAND, (Step(QuestionAsked),), _HANDS),
    Row("answer", _IN_HAND, (Step(QuestionAnswered),), ("first-reporter",), question_asked),
    # While nobody has accepted, another place or a specialist's category finds another owner.
    Row(
        "correct",
        ("opened", "assigned"),
        (
            Step(CaseEnriched, if_said=True),
            Step(CaseRecategorised, if_said=True),
            Step(CaseMoved, if_said=True),
            _NEXT,
        ),
        ("first-reporter",),
    ),
    # Among the owner's people: one takes the case, or is given it.
    Row("assign", ("assigned", *_AT_WORK, "disputed"), (Step(CaseAssigned),), ("owner",)),
    Row("recategorise", ("opened", "assigned"), (Step(CaseRecategorised), _NEXT), _HANDS),
    Row("recategorise", (*_AT_WORK, "disputed"), (Step(CaseRecategorised),), _HANDS),
    Row("move", ("opened", "assigned"), (Step(CaseMoved), _NEXT), _HANDS),
    Row("move", (*_AT_WORK, "disputed"), (Step(CaseMoved),), _HANDS),
    Row("check", ("resolved",), (Step(CaseChecked),), ("bystander",)),
    Row("join", _IN_HAND, (Step(ReportJoined),), ("bystander",), takes_more),
    Row(
        "merge",
        ("opened", "assigned", "accepted", "in-progress"),
        (Step(CaseMerged, "merged"),),
        ("operator",),
    ),
    Row("separate", _IN_HAND, (Step(ReportSeparated),), ("operator",), has_joined_ones),
)

_JOINING = (CaseReopened, CaseMoved, CaseRecategorised, ReportJoined, ReportSeparated)
CLOSING: frozenset[Action] = frozenset(
    row.action for row in TABLE for step in row.steps if step.to in ENDED or step.fact in _JOINING
)
"""Actions that change whether a report may join: they take the locks of duplicates."""
