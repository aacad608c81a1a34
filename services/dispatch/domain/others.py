"""What an action on one case does to another: a merge feeds it, a separation opens it."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from contracts.cases import Case, CaseAssigned, CaseFact, CaseOpened, CaseReport, ReportJoined
from contracts.city import City
from contracts.facts import Actor
from services.dispatch.domain.command import Command
from services.dispatch.domain.ids import separated_id
from services.dispatch.domain.limits import clocks_of
from services.dispatch.domain.opening import NO_COMMUNITY, code_of, fitted, with_media


def others(case: Case, command: Command, now: datetime, city: City) -> tuple[CaseFact, ...]:
    """The facts of the other case; `case` is as it was before."""
    by = Actor(role=command.party.role, id=command.party.id)
    if command.action == "merge":
        return _fed(case, command, by, now, city)
    if command.action == "separate":
        return _opened(case, command, by, now, city)
    return ()


def _fed(
    case: Case, command: Command, by: Actor, now: datetime, city: City
) -> tuple[CaseFact, ...]:
    """Every report of the merged case joins the one that lives on, its photos too."""
    assert command.into is not None
    into, facts = command.into, []
    there = {each.report_id for each in into.reports}
    for report in case.reports:
        if report.report_id in there:
            continue
        dangerous = into.dangerous or case.dangerous
        after = replace(
            into,
            seq=into.seq + 1,
            updated_at=now,
            reports=(*into.reports, _as_joined(report, case, into, now)),
            media=with_media(into.media, case.media),
            text=into.text or case.text,
            dangerous=dangerous,
        )
        if dangerous != into.dangerous:
            after = fitted(after, now, city)
        facts.append(ReportJoined(case=after, by=by, report_id=report.report_id))
        into = after
    return tuple(facts)


def _as_joined(report: CaseReport, case: Case, into: Case, now: datetime) -> CaseReport:
    """Its share in the case that lives on: pictures that are new there, the text if it had none."""
    there = {each.id for each in into.media}
    media = tuple(each for each in report.media if each not in there)
    return replace(report, joined_at=now, media=media, told=report.told and not into.text)


def _opened(
    case: Case, command: Command, by: Actor, now: datetime, city: City
) -> tuple[CaseFact, ...]:
    """A case of the separated report's own: at its own place if that is said, with its photos."""
    assert command.report_id is not None
    report = next(each for each in case.reports if each.report_id == command.report_id)
    case_id, moved = separated_id(case, command.report_id), command.moved
    opened = Case(
        id=case_id,
        code=code_of(case_id),
        state="opened",
        seq=1,
        revision=1,
        round=1,
        place=moved.place if moved else case.place,
        cell=moved.cell if moved else case.cell,
        family=case.family,
        opened_at=now,
        updated_at=now,
        clocks=clocks_of(city, case.category, case.dangerous, now),
        reports=(replace(report, joined_at=now, told=False),),
        category=case.category,
        dangerous=case.dangerous,
        media=tuple(each for each in case.media if each.id in report.media),
    )
    community = moved.community if moved else case.community
    owner = (community, None) if moved else (community, case.department)
    reason = NO_COMMUNITY if owner == (None, None) else None
    first = CaseOpened(case=opened, by=by, reason=reason, report_id=report.report_id)
    if reason is not None:
        return (first,)
    assigned = replace(
        opened, state="assigned", community=owner[0], department=owner[1], seq=2, revision=2
    )
    return first, CaseAssigned(case=assigned, by=by)
