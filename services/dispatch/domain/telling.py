"""What a fact says beside the case that it carries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contracts.cases import (
    Case,
    CaseAssigned,
    CaseChecked,
    CaseDisputed,
    CaseEnriched,
    CaseFact,
    CaseMerged,
    CaseRecategorised,
    CaseResolved,
    CaseReturned,
    CaseTransferred,
    ExtensionGranted,
    ExtensionRequested,
    QuestionAnswered,
    QuestionAsked,
    ReportJoined,
    ReportSeparated,
)
from contracts.city import City
from services.dispatch.domain.changing import granted_h
from services.dispatch.domain.command import Command
from services.dispatch.domain.ids import me_too_id, question_id, separated_id
from services.dispatch.domain.proof import flags
from services.dispatch.domain.routing import SPECIALIST, specialist


def own_fields(
    step: type[CaseFact], before: Case, command: Command, now: datetime, city: City
) -> dict[str, Any]:
    """What a fact of this type says beside the case; it may say another reason."""
    if step is CaseAssigned:
        return _assigned(before, command, city)
    if step in (CaseReturned, CaseTransferred):
        return {"previous": before.community or before.department}
    if step is CaseRecategorised:
        return {"previous": before.category}
    if step is CaseResolved:
        return {"flags": flags(command.shots, before, now, city.evidence)}
    if step is CaseDisputed:
        return {"media": command.media}
    if step is CaseChecked:
        checked = {"reporter_id": command.party.id, "fixed": command.fixed}
        return checked | {"media": command.media}
    if step is ExtensionRequested:
        return {"hours": command.hours}
    if step is ExtensionGranted:
        return {"hours": granted_h(before, command)}
    if step is QuestionAsked:
        return {"question_id": question_id(before)}
    if step is QuestionAnswered:
        return {"question_id": before.question_id}
    if step is CaseEnriched:
        return {"report_id": before.reports[0].report_id}
    if step is ReportJoined:
        return {"report_id": me_too_id(before, command.party.id)}
    if step is CaseMerged:
        assert command.into is not None
        return {"into": command.into.id}
    if step is ReportSeparated:
        assert command.report_id is not None
        into = separated_id(before, command.report_id)
        return {"report_id": command.report_id, "into": into}
    return {}


def _assigned(before: Case, command: Command, city: City) -> dict[str, Any]:
    if command.action == "return":
        return {"reason": before.alternatives[0].reason, "note": None}
    said: dict[str, Any] = {"previous": before.community or before.department}
    if specialist(before, command.category, city) is not None:
        said["reason"] = SPECIALIST
    if command.moved or command.category:
        said["city"] = city.version
    return said
