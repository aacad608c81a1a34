"""What else changes in a case with its state, and with each fact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as replace_command
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from contracts.cases import (
    Case,
    CaseAccepted,
    CaseAssigned,
    CaseEnriched,
    CaseFact,
    CaseMadeSafe,
    CaseMoved,
    CaseRecategorised,
    CaseReport,
    CaseReturned,
    CaseState,
    ExtensionDenied,
    ExtensionGranted,
    ExtensionRequested,
    QuestionAnswered,
    QuestionAsked,
    ReportJoined,
    ReportSeparated,
)
from contracts.city import City
from contracts.facts import SYSTEM
from contracts.reports import CategorySource
from services.dispatch.domain import proof
from services.dispatch.domain.command import Command
from services.dispatch.domain.ids import me_too_id, question_id
from services.dispatch.domain.limits import clocks_of, extended, reassigned, running, stopped
from services.dispatch.domain.milestones import ahead_again
from services.dispatch.domain.opening import fitted, is_dangerous, new_ids, with_media
from services.dispatch.domain.routing import SPECIALIST, SURE, specialist, to_specialist

Changes = dict[str, Any]
ME, NOBODY = "me", "nobody"
"""Instead of a member's id."""


def entering(case: Case, state: CaseState, command: Command, now: datetime, city: City) -> Changes:
    """What else changes with the state."""
    match state:
        case "accepted":
            return {"accepted_at": now}
        case "in-progress" | "disputed":
            changes: Changes = {"clocks": running(case, now, city), "proof_flags": ()}
            return changes | (
                {"disputed_once": True} if state == "disputed" else {"resolved_at": None}
            )
        case "suspended":
            return {"clocks": replace(stopped(case, now, city), suspended_at=now)}
        case "resolved":
            clocks = stopped(case, now, city)
            doubts = () if command.note else proof.flags(command.shots, case, now, city.evidence)
            proven = {"proof": command.media, "proof_flags": doubts}
            return _settled() | proven | {"resolved_at": now, "clocks": clocks}
        case "closed":
            return {"closed_at": now}
        case "refused":
            return {"refusal": command.reason}
        case "opened":
            clocks = running(case, now, city)
            owner = {"community": None, "department": None, "accepted_at": None, "member": None}
            return _settled() | owner | {"clocks": clocks}
        case "assigned":
            return _assigned(case, command, now, city)
    return {}


def _settled() -> Changes:
    """Nobody waits for an answer any more."""
    return {"extension_h": None, "question_id": None}


def _assigned(case: Case, command: Command, now: datetime, city: City) -> Changes:
    owner = _owner(case, command, city)
    if command.action != "reopen":
        return _owned(case, owner, now, city)
    return _owned(case, owner, now, city) | {
        "round": case.round + 1,
        "clocks": clocks_of(city, case.category, case.dangerous, now),
        "resolved_at": None,
        "closed_at": None,
        "refusal": None,
        "made_safe_at": None,
        "proof_flags": (),
    }


def _owned(case: Case, owner: Changes, now: datetime, city: City) -> Changes:
    """By somebody who has yet to accept."""
    clocks = reassigned(replace(case, clocks=running(case, now, city)), now, city)
    return _settled() | owner | {"accepted_at": None, "member": None, "clocks": clocks}


def sent_on(
    before: Case, case: Case, source: CategorySource | None, now: datetime, city: City
) -> CaseAssigned | None:
    """To the specialist of a category that came late, for sure, while nobody has accepted."""
    if case.category == before.category or source not in SURE:
        return None
    department = specialist(case, case.category, city)
    if department is None or case.state not in ("opened", "assigned"):
        return None
    changes = _owned(case, to_specialist(case, department, case.community), now, city)
    changes |= {"state": "assigned", "seq": case.seq + 1, "revision": case.revision + 1}
    after = replace(case, **changes)
    previous = case.community or case.department
    return CaseAssigned(
        case=after, by=SYSTEM, reason=SPECIALIST, previous=previous, city=city.version
    )


def _owner(case: Case, command: Command, city: City) -> Changes:
    if command.action == "return":
        after = case.alternatives[0]
        return {
            "community": after.community,
            "department": after.department,
            "alternatives": case.alternatives[1:],
        }
    if command.department is not None:
        return {"community": None, "department": command.department}
    community = command.moved.community if command.moved else command.community
    if (department := specialist(case, command.category, city)) is not None:
        return to_specialist(case, department, community or case.community)
    if community is not None:
        return {"community": community, "department": None}
    return {"community": case.community, "department": case.department}


def _recategorised(case: Case, command: Command, now: datetime, city: City) -> Changes:
    known = city.category(command.category)
    assert known is not None  # wrong_field
    # Words that were dangerous stay so; a category can only add to them.
    dangerous = is_dangerous(city, known.code, case.dangerous)
    changes: Changes = {
        "category": known.code,
        "family": known.family,
        "dangerous": dangerous,
        "revision": case.revision + 1,
    }
    return changes | {"clocks": fitted(replace(case, **changes), now, city).clocks}


def _moved(case: Case, command: Command, now: datetime, city: City) -> Changes:
    assert command.moved is not None
    return {"place": command.moved.place, "cell": command.moved.cell}


def _granted(case: Case, command: Command, now: datetime, city: City) -> Changes:
    more = replace(case, clocks=extended(case, granted_h(case, command), city))
    return {"extension_h": None, "clocks": ahead_again(more, now, city)}


def granted_h(case: Case, command: Command) -> float:
    """What was asked, or what the operator says instead."""
    return command.hours or case.extension_h or 0.0


def _corrected(case: Case, command: Command) -> Changes:
    """The text is the first reporter's now, whoever told it before."""
    reports = (replace(each, told=at == 0) for at, each in enumerate(case.reports))
    return {"text": command.text, "reports": tuple(reports)}


def _joined(case: Case, command: Command, now: datetime, city: City) -> Changes:
    joined = CaseReport(
        report_id=me_too_id(case, command.party.id),
        reporter_id=command.party.id,
        joined_at=now,
        media=new_ids(case.media, command.media),
    )
    return {
        "reports": (*case.reports, joined),
        "media": with_media(case.media, command.media),
    }


def _separated(case: Case, command: Command, now: datetime, city: City) -> Changes:
    gone = {m for e in case.reports if e.report_id == command.report_id for m in e.media}
    return {
        "reports": tuple(e for e in case.reports if e.report_id != command.report_id),
        "media": tuple(each for each in case.media if each.id not in gone),
    }


def _given(command: Command) -> Changes:
    """A member of the owner's people takes the case, is given it, or lays it down."""
    if command.member is None:
        return {}
    named = {ME: command.party.id, NOBODY: None}
    return {"member": named.get(command.member, command.member)}


CHANGES: dict[type[CaseFact], Callable[[Case, Command, datetime, City], Changes]] = {
    CaseRecategorised: _recategorised,
    CaseMoved: _moved,
    ExtensionGranted: _granted,
    ReportJoined: _joined,
    ReportSeparated: _separated,
    CaseAccepted: lambda case, command, now, city: {
        "responsible": case.community or case.department,
        "member": command.party.id,
    },
    CaseAssigned: lambda case, command, now, city: _given(command),
    CaseReturned: lambda case, command, now, city: {"returns": case.returns + 1},
    CaseMadeSafe: lambda case, command, now, city: {"made_safe_at": now},
    ExtensionRequested: lambda case, command, now, city: {"extension_h": command.hours},
    ExtensionDenied: lambda case, command, now, city: {"extension_h": None},
    QuestionAsked: lambda case, command, now, city: {"question_id": question_id(case)},
    QuestionAnswered: lambda case, command, now, city: {"question_id": None},
    CaseEnriched: lambda case, command, now, city: _corrected(case, command),
}
"""By fact, beside what comes with the state after it."""

SAID: dict[type[CaseFact], Callable[[Case, Command, City], bool]] = {
    CaseEnriched: lambda case, command, city: command.text not in (None, case.text),
    CaseRecategorised: lambda case, command, city: command.category is not None,
    CaseMoved: lambda case, command, city: command.moved is not None,
    CaseAssigned: lambda case, command, city: _finds_another_owner(case, command, city),
}
"""Whether a command (`with_news`) says something of the kind, for steps that depend on it."""


def with_news(case: Case, command: Command, city: City) -> Command:
    """Without a category that the case has already: said again, it changes nothing."""
    known = city.category(command.category)
    if known is not None and known.code != case.category:
        return command
    return replace_command(command, category=None)


def _finds_another_owner(case: Case, command: Command, city: City) -> bool:
    """Given back: somebody is left to ask. Another category: it has a specialist. Moved: the new
    place is another community's; a department has its cases wherever they are."""
    if command.action == "return":
        return bool(case.alternatives) and case.returns < city.routing.most_returns
    if specialist(case, command.category, city) is not None:
        return True
    found = command.moved.community if command.moved else None
    return found is not None and case.department is None and found != case.community
