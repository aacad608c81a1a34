"""Facts about cases, keyed by case id. Each carries the case as it is after the change."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from contracts.facts import Actor, Fact
from contracts.places import Place
from contracts.reports import Candidate
from contracts.submissions import Media

CaseState = Literal[
    "opened",
    "assigned",
    "accepted",
    "in-progress",
    "suspended",
    "resolved",
    "disputed",
    "verified",
    "closed",
    "refused",
    "withdrawn",
    "merged",
]


OPEN311_STATUS: dict[CaseState, Literal["open", "closed"]] = {
    "opened": "open",
    "assigned": "open",
    "accepted": "open",
    "in-progress": "open",
    "suspended": "open",
    "resolved": "open",
    "disputed": "open",
    "verified": "open",
    "closed": "closed",
    "refused": "closed",
    "withdrawn": "closed",
    "merged": "closed",
}
"""The two words that Open311 has for a state."""


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A time that did not count, over by now."""

    since: datetime
    until: datetime


class CaseClocks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Instants (aware) by which the owner has to act; None where the category sets no limit.

    Where they come from: `start` (opened or reopened), `assigned_at` (its present owner's time to
    accept), `pauses`, `extended_h`. The clock to resolve stands still since `stopped_at`
    (suspended, or resolved) with `left_s` counted seconds left, less than 0 when it was overdue.
    `told`: milestones that were announced.
    """

    accept_by: datetime
    resolve_by: datetime
    make_safe_by: datetime | None = None
    provisional: bool = False
    suspended_at: datetime | None = None
    start: datetime | None = None
    assigned_at: datetime | None = None
    pauses: tuple[Pause, ...] = ()
    stopped_at: datetime | None = None
    left_s: float | None = None
    extended_h: float = 0.0
    told: tuple[str, ...] = ()


class Alternative(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who may own the case: a community, street or district by its code, or a department."""

    reason: str
    community: str | None = None
    department: str | None = None


SameBy = Literal["words", "photo"]
"""By what beside place, time and family two reports may mean one matter."""


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Another open case that may be about the same matter: not sure enough to join it."""

    case_id: str
    code: str
    distance_m: float
    same_by: tuple[SameBy, ...] = ()


class CaseReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A report that belongs to the case; the first one opened it.

    Its share in the case, for the day when its reporter is erased: `media` are ids of the case's
    pictures that are its own, `told` says that the case's text is.
    """

    report_id: str
    reporter_id: str
    joined_at: datetime
    flags: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    told: bool = False


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One matter at one place, owned by one community or department.

    `seq` counts every event, `revision` only changes of state, owner or category; `round` counts
    from 1 and grows when the case is reopened. `watchers` are codes of streets (9 digits) and
    districts (6), or of the community (12) where a department has the case. `extension_h` and
    `question_id` wait for an answer. `alternatives` are asked next when an owner gives the case
    back, which happened `returns` times; `responsible` accepted it last (首接负责), and of its
    people `member` has it. `proof_flags`: how the after-photos do not agree with place and time,
    where nobody said why. `suggestions`: cases that may be about the same matter, likeliest first,
    as it was when this one was opened or told more of.
    """

    id: str
    code: str
    state: CaseState
    seq: int
    revision: int
    round: int
    place: Place
    cell: str
    family: str
    opened_at: datetime
    updated_at: datetime
    clocks: CaseClocks
    reports: tuple[CaseReport, ...]
    community: str | None = None
    department: str | None = None
    category: str | None = None
    text: str | None = None
    dangerous: bool = False
    media: tuple[Media, ...] = ()
    proof: tuple[Media, ...] = ()
    watchers: tuple[str, ...] = ()
    accepted_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    disputed_once: bool = False
    refusal: str | None = None
    made_safe_at: datetime | None = None
    extension_h: float | None = None
    question_id: str | None = None
    candidates: tuple[Candidate, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    returns: int = 0
    responsible: str | None = None
    member: str | None = None
    proof_flags: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


class CaseFact(Fact, frozen=True, kw_only=True):
    """Shared by all facts about a case; `by` did it, `reason` is a code, `note` is free text."""

    case: Case
    by: Actor
    reason: str | None = None
    note: str | None = None

    def key(self) -> str:
        return self.case.id

    def extensions(self) -> dict[str, str]:
        """`parties`: codes of who owns the case, owned it before, answers for it, watches it."""
        return {"parties": " ".join(dict.fromkeys(code for code in self._parties() if code))}

    def _parties(self) -> tuple[str | None, ...]:
        case = self.case
        return case.community, case.department, case.responsible, *case.watchers


class HandedOn(CaseFact, frozen=True, kw_only=True):
    """Shared by facts after which another owner has the case; `previous` had it."""

    previous: str | None = None

    def _parties(self) -> tuple[str | None, ...]:
        return *super()._parties(), self.previous


class CaseOpened(CaseFact, frozen=True, kw_only=True):
    """A report became a case (立案)."""

    report_id: str


class CaseAssigned(HandedOn, frozen=True, kw_only=True):
    """An owner was found (派遣), or one of its people (`case.member`). `city`: the version of the
    city's data by which it was found."""

    city: str | None = None


class CaseAccepted(CaseFact, frozen=True, kw_only=True):
    """The owner took responsibility."""


class CaseStarted(CaseFact, frozen=True, kw_only=True):
    """Work began."""


class CaseReturned(HandedOn, frozen=True, kw_only=True):
    """Not ours (回退), with a reason; `previous` returned it."""


class CaseTransferred(HandedOn, frozen=True, kw_only=True):
    """Handed to another owner."""


class CaseSuspended(CaseFact, frozen=True, kw_only=True):
    """Clock stopped (挂账)."""


class CaseResumed(CaseFact, frozen=True, kw_only=True):
    """Clock runs again."""


class CaseMadeSafe(CaseFact, frozen=True, kw_only=True):
    """Guarded on site, not yet fixed."""


class ExtensionRequested(CaseFact, frozen=True, kw_only=True):
    """More time asked (延期), in hours."""

    hours: float


class ExtensionGranted(CaseFact, frozen=True, kw_only=True):
    """More time given, in hours."""

    hours: float


class ExtensionDenied(CaseFact, frozen=True, kw_only=True):
    """No more time."""


class CaseResolved(CaseFact, frozen=True, kw_only=True):
    """Fixed, with an after-photo as proof; `flags`: how it does not agree with place and time."""

    flags: tuple[str, ...] = ()


class CaseConfirmed(CaseFact, frozen=True, kw_only=True):
    """The first reporter agrees that it is fixed."""


class CaseDisputed(CaseFact, frozen=True, kw_only=True):
    """The first reporter objects, once."""

    media: tuple[Media, ...] = ()


class CaseChecked(CaseFact, frozen=True, kw_only=True):
    """Another observer looked, with a fresh photo."""

    reporter_id: str
    fixed: bool
    media: tuple[Media, ...] = ()


class CaseVerified(CaseFact, frozen=True, kw_only=True):
    """Proven fixed (核查)."""


class CaseClosed(CaseFact, frozen=True, kw_only=True):
    """The end (结案)."""


class CaseReopened(CaseFact, frozen=True, kw_only=True):
    """Not fixed after all, or refused wrongly."""


class CaseRefused(CaseFact, frozen=True, kw_only=True):
    """Not taken on (不予立案), with a reason from the city's list."""


class CaseWithdrawn(CaseFact, frozen=True, kw_only=True):
    """Its only reporter took it back before anybody accepted."""


class CaseMerged(CaseFact, frozen=True, kw_only=True):
    """Joined into another case, which lives on as `into`."""

    into: str


class ReportJoined(CaseFact, frozen=True, kw_only=True):
    """Another report of the same matter."""

    report_id: str
    distance_m: float | None = None


class ReportSeparated(CaseFact, frozen=True, kw_only=True):
    """A joined report turned out to be another matter; it opened case `into`."""

    report_id: str
    into: str


class CaseRecategorised(CaseFact, frozen=True, kw_only=True):
    """Another category; clocks follow."""

    previous: str | None = None


class CaseMoved(CaseFact, frozen=True, kw_only=True):
    """The place was corrected."""


class CaseEnriched(CaseFact, frozen=True, kw_only=True):
    """A late photo, transcript or category arrived."""

    report_id: str


class CaseCommented(CaseFact, frozen=True, kw_only=True):
    """A remark, in `note`."""


class QuestionAsked(CaseFact, frozen=True, kw_only=True):
    """The handler asks the reporter, in `note`."""

    question_id: str


class QuestionAnswered(CaseFact, frozen=True, kw_only=True):
    """The reporter answers, in `note`."""

    question_id: str


class DepartmentJoined(CaseFact, frozen=True, kw_only=True):
    """Another department takes part (协调)."""

    department: str


class DepartmentDone(CaseFact, frozen=True, kw_only=True):
    """That department did its part."""

    department: str


class DepartmentExcused(CaseFact, frozen=True, kw_only=True):
    """That department is not needed."""

    department: str


class CaseWarned(CaseFact, frozen=True, kw_only=True):
    """80 % of the time is gone."""


class CaseOverdue(CaseFact, frozen=True, kw_only=True):
    """100 % of the time is gone."""


class CaseEscalated(CaseFact, frozen=True, kw_only=True):
    """A watcher was added: street, then district."""

    to: str


class HotSpotRaised(CaseFact, frozen=True, kw_only=True):
    """Many cases around this one."""


class HotSpotCalmed(CaseFact, frozen=True, kw_only=True):
    """No longer many."""


EVENTS = (
    CaseOpened,
    CaseAssigned,
    CaseAccepted,
    CaseStarted,
    CaseReturned,
    CaseTransferred,
    CaseSuspended,
    CaseResumed,
    CaseMadeSafe,
    ExtensionRequested,
    ExtensionGranted,
    ExtensionDenied,
    CaseResolved,
    CaseConfirmed,
    CaseDisputed,
    CaseChecked,
    CaseVerified,
    CaseClosed,
    CaseReopened,
    CaseRefused,
    CaseWithdrawn,
    CaseMerged,
    ReportJoined,
    ReportSeparated,
    CaseRecategorised,
    CaseMoved,
    CaseEnriched,
    CaseCommented,
    QuestionAsked,
    QuestionAnswered,
    DepartmentJoined,
    DepartmentDone,
    DepartmentExcused,
    CaseWarned,
    CaseOverdue,
    CaseEscalated,
    HotSpotRaised,
    HotSpotCalmed,
)
