"""Everything that happened to a report, as its reporter may see it, oldest first."""

from __future__ import annotations

from typing import Any

from contracts.cases import Case
from runtime.db import Database
from services.tracking.adapters import case_sql, report_sql, told_sql
from services.tracking.adapters.report_sql import FactLine
from services.tracking.adapters.told_sql import NoticeLine, PointsLine
from services.tracking.api.views import Reader, reason
from services.tracking.domain.batch import Line
from services.tracking.domain.story import Story

MOST = 500


async def timeline(
    db: Database, story: Story, case: Case | None, reader: Reader
) -> list[dict[str, Any]]:
    """The newest MOST lines of each kind."""
    subjects = [story.id] + ([case.id] if case else [])
    facts = await report_sql.fact_lines(db, story.id)
    lines = await case_sql.lines(db, case.id, MOST) if case else []
    points = await told_sql.points(db, reader.id, subjects, MOST)
    notices = await told_sql.notices(db, reader.id, subjects, MOST)
    language = reader.language_for(story)
    found = [_fact(each, story, language, reader) for each in facts]
    if not found and story.accepted:
        found = [_line("report", "ReportSubmitted", story.accepted.received_at, by="reporter")]
    found += [_case_line(each, language, reader) for each in lines]
    found += [_points(each) for each in points] + [_notice(each) for each in notices]
    return sorted(found, key=lambda each: each["at"])


REMARKS = frozenset({"CaseCommented", "CaseTransferred", "ExtensionRequested", "ExtensionDenied"})
"""What staff write to each other."""


def _line(about: str, kind: str, at: Any, **more: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("by", "state", "reason", "note", "points", "channel", "event"))
    return {"at": at, "about": about, "type": kind} | empty | more


def _fact(line: FactLine, story: Story, language: str, reader: Reader) -> dict[str, Any]:
    refused = line.type == "ReportRefused"
    return _line(
        "report",
        line.type,
        line.at,
        by="reporter" if line.type == "ReportSubmitted" else "system",
        reason=reason(story.refusal, language, reader) if refused else None,
    )


def _case_line(line: Line, language: str, reader: Reader) -> dict[str, Any]:
    return _line(
        "case",
        line.type,
        line.at,
        by=line.by_role,
        state=line.state,
        reason=reason(line.reason, language, reader),
        note=line.note if visible(line, reader.id) else None,
    )


def visible(line: Line, reader_id: str) -> bool:
    """Remarks of staff are for staff, words of another reporter for that one."""
    if line.by_role == "reporter":
        return line.by_id == reader_id
    return line.type not in REMARKS


def _points(line: PointsLine) -> dict[str, Any]:
    told = {"code": line.reason, "text": line.reason}
    return _line("points", line.type, line.at, by="system", points=line.points, reason=told)


def _notice(line: NoticeLine) -> dict[str, Any]:
    told = None if line.reason is None else {"code": line.reason, "text": line.reason}
    more = {"channel": line.channel, "event": line.event, "reason": told}
    return _line("notice", line.type, line.at, by="system", **more)
