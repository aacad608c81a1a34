"""A report becomes a case, joins one, or tells more about one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from msgspec.structs import replace

from contracts.cases import (
    Alternative,
    Case,
    CaseAssigned,
    CaseEnriched,
    CaseFact,
    CaseOpened,
    CaseReport,
    ReportJoined,
    Suggestion,
)
from contracts.city import City
from contracts.facts import EVENT_NAMESPACE, SYSTEM
from contracts.reports import Candidate, ReportEnriched, ReportNormalised
from contracts.submissions import Media
from services.dispatch.domain.limits import clocks_of, refitted
from services.dispatch.domain.milestones import ahead_again
from services.dispatch.domain.routing import AREA

NO_COMMUNITY = "no-community"
CALENDAR_ARRIVED = "calendar-arrived"
MOST_MEDIA = 60
CODE_LENGTH = 9
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def case_id_of(report_id: str) -> str:
    """The id of the case that this report opens, the same in every run."""
    return str(uuid5(EVENT_NAMESPACE, f"case:{report_id}"))


def code_of(case_id: str) -> str:
    """Nine characters to read out (45 bits of the id, no I, L, O, U)."""
    bits = UUID(case_id).int
    return "".join(CROCKFORD[bits >> 5 * at & 31] for at in range(CODE_LENGTH))


def is_dangerous(city: City, category: str | None, said: bool) -> bool:
    """By the category, or by the words of the report."""
    known = city.category(category)
    return said or (known is not None and known.danger)


def open_case(
    report: ReportNormalised,
    *,
    cell: str,
    owners: Sequence[Alternative],
    now: datetime,
    city: City,
    suggestions: tuple[Suggestion, ...] = (),
) -> tuple[CaseFact, ...]:
    """Opened, and assigned at once to the first of its owners; the community of a department's
    case watches it."""
    known = city.category(report.category)
    category = known.code if known else None
    dangerous = is_dangerous(city, category, report.dangerous)
    case_id = case_id_of(report.report_id)
    opened = Case(
        id=case_id,
        code=code_of(case_id),
        state="opened",
        seq=1,
        revision=1,
        round=1,
        place=report.place,
        cell=cell,
        family=city.family(category),
        opened_at=now,
        updated_at=now,
        clocks=clocks_of(city, category, dangerous, now),
        reports=(_report(report, now, (), report.text),),
        category=category,
        text=report.text,
        dangerous=dangerous,
        media=report.media,
        candidates=report.candidates,
        suggestions=suggestions,
    )
    reason = None if owners else NO_COMMUNITY
    first = CaseOpened(case=opened, by=SYSTEM, reason=reason, report_id=report.report_id)
    if not owners:
        return (first,)
    owner = owners[0]
    informed = [each.community for each in owners[1:2] if owner.department and each.community]
    assigned = replace(
        opened,
        state="assigned",
        community=owner.community,
        department=owner.department,
        alternatives=tuple(owners[1:]),
        watchers=tuple(informed),
        seq=2,
        revision=2,
    )
    why = None if owner.reason == AREA else owner.reason
    return first, CaseAssigned(case=assigned, by=SYSTEM, reason=why, city=city.version)


def join(
    case: Case, report: ReportNormalised, *, distance_m: float, now: datetime, city: City
) -> ReportJoined:
    """Me too: the report stands with the case; the state and the revision stay."""
    dangerous = case.dangerous or report.dangerous
    told = None if case.text else report.text
    after = replace(
        case,
        seq=case.seq + 1,
        updated_at=now,
        reports=(*case.reports, _report(report, now, case.media, told)),
        media=with_media(case.media, report.media),
        text=case.text or told,
        dangerous=dangerous,
    )
    if dangerous != case.dangerous:
        after = fitted(after, now, city)
    return ReportJoined(
        case=after, by=SYSTEM, report_id=report.report_id, distance_m=round(distance_m, 1)
    )


def enrich(
    case: Case,
    report: ReportEnriched,
    *,
    had: Collection[str],
    now: datetime,
    city: City,
    suggestions: tuple[Suggestion, ...] | None = None,
) -> CaseEnriched | None:
    """What came late; None when it says nothing new. `had`: the report's media ids before;
    `suggestions`: those by what is known now, None when nobody looked."""
    found = city.category(report.category) if case.category is None else None
    category = found.code if found else case.category
    dangerous = case.dangerous or is_dangerous(city, category, bool(report.dangerous))
    told = bool(report.text) and (_is_first(case, report) or not case.text)
    changes: dict[str, Any] = {
        "text": report.text if told else case.text,
        "dangerous": dangerous,
        "media": _instead(case.media, had, report.media),
        "candidates": _likelier(case, report),
        "reports": _enriched(case, report, had, told),
    }
    if found or dangerous != case.dangerous:
        changes |= {"category": category, "family": city.family(category)}
        changes["clocks"] = fitted(replace(case, **changes), now, city).clocks
    if all(getattr(case, name) == value for name, value in changes.items()):
        return None
    if suggestions is not None:  # alone they are no news: a replay would find others
        changes["suggestions"] = suggestions
    revision = case.revision + (category != case.category)
    after = replace(case, seq=case.seq + 1, revision=revision, updated_at=now, **changes)
    return CaseEnriched(case=after, by=SYSTEM, report_id=report.report_id)


def _report(
    report: ReportNormalised, now: datetime, there: tuple[Media, ...], told: str | None
) -> CaseReport:
    """`there`: the case's pictures before; `told`: the case's text when it is this report's."""
    return CaseReport(
        report_id=report.report_id,
        reporter_id=report.reporter_id,
        joined_at=now,
        flags=report.flags,
        media=new_ids(there, report.media),
        told=bool(told),
    )


def settle(case: Case, now: datetime, city: City) -> CaseEnriched | None:
    """Provisional clocks anew once the calendar knows their years; None while it does not."""
    after = fitted(case, now, city)
    if after.clocks.provisional:
        return None
    after = replace(after, seq=case.seq + 1, updated_at=now)
    first = case.reports[0].report_id
    return CaseEnriched(case=after, by=SYSTEM, report_id=first, reason=CALENDAR_ARRIVED)


def fitted(case: Case, now: datetime, city: City) -> Case:
    """The case with its clocks set anew, for its category or danger is another now."""
    case = replace(case, clocks=refitted(case, city))
    return replace(case, clocks=ahead_again(case, now, city))


def with_media(media: tuple[Media, ...], more: tuple[Media, ...]) -> tuple[Media, ...]:
    """Both, each once, up to MOST_MEDIA."""
    there = {each.id for each in media}
    return (*media, *(each for each in more if each.id not in there))[:MOST_MEDIA]


def _instead(
    media: tuple[Media, ...], had: Collection[str], now: tuple[Media, ...] | None
) -> tuple[Media, ...]:
    if now is None:
        return media
    gone = set(had) - {each.id for each in now}
    return with_media(tuple(each for each in media if each.id not in gone), now)


def _likelier(case: Case, report: ReportEnriched) -> tuple[Candidate, ...]:
    """What the first report's words may mean, when they were read late."""
    if report.candidates is None or not _is_first(case, report):
        return case.candidates
    return report.candidates


def _is_first(case: Case, report: ReportEnriched) -> bool:
    return case.reports[0].report_id == report.report_id


def new_ids(there: tuple[Media, ...], more: tuple[Media, ...]) -> tuple[str, ...]:
    """Ids of those that are not there yet."""
    known = {each.id for each in there}
    return tuple(each.id for each in more if each.id not in known)


def _enriched(
    case: Case, report: ReportEnriched, had: Collection[str], told: bool
) -> tuple[CaseReport, ...]:
    """The reports with this one's flags and its share in the case as they are now."""

    def after(each: CaseReport) -> CaseReport:
        if each.report_id != report.report_id:
            return replace(each, told=False) if told else each
        flags = each.flags if report.flags is None else report.flags
        media = each.media
        if report.media is not None:
            others = tuple(m for m in case.media if m.id not in had)
            media = new_ids(others, report.media)
        return replace(each, flags=flags, media=media, told=each.told or told)

    return tuple(after(each) for each in case.reports)
