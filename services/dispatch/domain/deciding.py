"""An action on a case: the facts that follow, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from msgspec.structs import replace

from contracts.cases import (
    Case,
    CaseAssigned,
    CaseDisputed,
    CaseFact,
    CaseReturned,
    CaseState,
)
from contracts.city import City
from contracts.facts import Actor
from contracts.submissions import Media
from services.dispatch.domain.opening import clocks_of
from services.dispatch.domain.parties import Party
from services.dispatch.domain.states import Action, Row, Step, allowed, may_ever, row_for

Why = Literal["state", "revision", "role", "field"]


@dataclass(frozen=True)
class Command:
    """What somebody wants done. `revision` None: whatever the case is like now."""

    action: Action
    party: Party
    revision: int | None = None
    reason: str | None = None
    note: str | None = None
    media: tuple[Media, ...] = ()
    community: str | None = None


@dataclass(frozen=True)
class Refusal:
    """Not done. `allowed`: what the party may do now; `field` is wrong when `why` says so."""

    why: Why
    allowed: tuple[Action, ...]
    field: str = ""
    zh: str = ""
    en: str = ""


Decision = tuple[CaseFact, ...] | Refusal
"""Facts in order, each with the case after it."""


def decide(case: Case, command: Command, now: datetime, city: City) -> Decision:
    """By the golden table. A refusal is a value; nothing is raised."""
    may = allowed(case, command.party, now, city)
    if not may_ever(command.action, case, command.party):
        return Refusal("role", may)
    if command.revision is not None and command.revision != case.revision:
        return Refusal("revision", may)
    row = row_for(case, command.action, command.party, now, city)
    if row is None:
        return Refusal("state", may)
    if wrong := _wrong_field(case, command, city):
        field, zh, en = wrong
        return Refusal("field", may, field, zh, en)
    return _facts(case, row, command, now, city)


def _wrong_field(case: Case, command: Command, city: City) -> tuple[str, str, str] | None:
    role = command.party.role
    match command.action:
        case "refuse":
            reason = city.refusal(command.reason or "")
            if reason is None or role not in reason.by:
                return "reason", "不在本市的不予立案理由之内", "Not a reason of the city's list"
        case "return":
            reason = city.return_reason(command.reason or "")
            if reason is None or role not in reason.by:
                return "reason", "不在本市的回退理由之内", "Not a reason of the city's list"
        case "resolve":
            if not any(each.kind == "photo" for each in command.media):
                return "media", "需要处理后的照片", "An after-photo is needed"
        case "assign" | "reopen":
            if command.community is None and case.community is None:
                return "community", "需要社区编码", "A community code is needed"
        case "comment":
            if not command.note:
                return "note", "必填", "Needed"
    return None


def _facts(
    case: Case, row: Row, command: Command, now: datetime, city: City
) -> tuple[CaseFact, ...]:
    facts = []
    for step in row.steps:
        after = _after(case, step, command, now, city)
        facts.append(_fact(step, case, after, command))
        case = after
    return tuple(facts)


def _after(case: Case, step: Step, command: Command, now: datetime, city: City) -> Case:
    changes: dict[str, Any] = {"seq": case.seq + 1, "updated_at": now}
    if step.to is not None:
        changes |= {"state": step.to, "revision": case.revision + 1}
        changes |= _entering(case, step.to, command, now, city)
    return replace(case, **changes)


def _entering(
    case: Case, state: CaseState, command: Command, now: datetime, city: City
) -> dict[str, Any]:
    """What else changes with the state."""
    match state:
        case "accepted":
            return {"accepted_at": now}
        case "in-progress":
            return {"resolved_at": None}
        case "resolved":
            return {"resolved_at": now, "proof": command.media}
        case "disputed":
            return {"disputed_once": True}
        case "closed":
            return {"closed_at": now}
        case "refused":
            return {"refusal": command.reason}
        case "opened":
            return {"community": None, "department": None, "accepted_at": None}
        case "assigned":
            return _assigned(case, command, now, city)
    return {}


def _assigned(case: Case, command: Command, now: datetime, city: City) -> dict[str, Any]:
    owner: dict[str, Any] = {"community": command.community or case.community}
    if command.action != "reopen":
        return owner
    return owner | {
        "round": case.round + 1,
        "clocks": clocks_of(city, case.category, case.dangerous, now),
        "accepted_at": None,
        "resolved_at": None,
        "closed_at": None,
        "refusal": None,
    }


def _fact(step: Step, before: Case, after: Case, command: Command) -> CaseFact:
    more: dict[str, Any] = {}
    if step.fact in (CaseAssigned, CaseReturned):
        more["previous"] = before.community or before.department
    if step.fact is CaseDisputed:
        more["media"] = command.media
    return step.fact(
        case=after,
        by=Actor(role=command.party.role, id=command.party.id),
        reason=command.reason,
        note=command.note,
        **more,
    )
