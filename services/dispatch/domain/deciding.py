"""An action on a case: the facts that follow, or the reason why not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from contracts.cases import Case, CaseFact
from contracts.city import City
from contracts.facts import Actor
from services.dispatch.domain.changing import CHANGES, SAID, entering, with_news
from services.dispatch.domain.command import Command, Refusal
from services.dispatch.domain.fields import wrong_field
from services.dispatch.domain.others import others
from services.dispatch.domain.permitting import allowed, may_ever, row_for
from services.dispatch.domain.states import Row, Step
from services.dispatch.domain.telling import own_fields

__all__ = ["Command", "Decision", "Refusal", "decide"]

NOTHING_NEW = ("与现有内容相同", "It says so already")
Decision = tuple[CaseFact, ...] | Refusal
"""Facts in order, each with the case after it. Those of another case (merge, separate) are last."""


def decide(case: Case, command: Command, now: datetime, city: City) -> Decision:
    """By the golden table. A refusal is a value; nothing is raised."""
    may = allowed(case, command.party, now, city)
    if not may_ever(command.action, case, command.party):
        return Refusal("role", may)
    if command.revision is not None and command.revision != case.revision:
        return Refusal("revision", may)
    row = row_for(case, command.action, command.party, now, city)
    if row is None or command.done_before:
        return Refusal("state", may)
    if wrong := wrong_field(case, command, city):
        field, zh, en = wrong
        return Refusal("field", may, field, zh, en)
    facts = _facts(case, row, command, now, city)
    return facts or Refusal("field", may, "text", *NOTHING_NEW)


def _facts(
    case: Case, row: Row, command: Command, now: datetime, city: City
) -> tuple[CaseFact, ...]:
    command = with_news(case, command, city)
    before, facts = case, []
    for step in row.steps:
        if step.if_said and not SAID[step.fact](case, command, city):
            continue
        after = _after(case, step, command, now, city)
        facts.append(_fact(step, case, after, command, now, city))
        case = after
    if not facts:
        return ()
    return (*facts, *others(before, command, now, city))


def _after(case: Case, step: Step, command: Command, now: datetime, city: City) -> Case:
    after = replace(case, seq=case.seq + 1, updated_at=now)
    if step.to is not None:
        changes = entering(case, step.to, command, now, city)
        after = replace(after, state=step.to, revision=case.revision + 1, **changes)
    if changing := CHANGES.get(step.fact):
        after = replace(after, **changing(case, command, now, city))
    return after


def _fact(
    step: Step, before: Case, after: Case, command: Command, now: datetime, city: City
) -> CaseFact:
    said: dict[str, Any] = {"reason": command.reason, "note": command.note}
    return step.fact(
        case=after,
        by=Actor(role=command.party.role, id=command.party.id),
        **said | own_fields(step.fact, before, command, now, city),
    )
