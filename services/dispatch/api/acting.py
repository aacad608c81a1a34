"""One action on one case: key, lock, decision, save and event in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from cities.cells import cell
from contracts.cases import Case, CaseFact, ReportJoined, ReportSeparated
from contracts.places import Place, to_wgs84
from contracts.submissions import Crs
from runtime import idempotency, outbox
from runtime.db import Connection
from runtime.errors import (
    CONFLICT,
    FORBIDDEN,
    SUSPENDED,
    Problem,
    invalid_field,
    not_found,
    unavailable,
)
from runtime.idempotency import Answer, request_hash
from services.dispatch.adapters import case_sql, queue_sql, standing_sql
from services.dispatch.adapters.media_client import RETRY_AFTER_S, MediaAway, MediaUnknown
from services.dispatch.api.bodies import AnyBody, Where
from services.dispatch.api.context import STALE, Context
from services.dispatch.api.views import full, may_see, nearby
from services.dispatch.domain.batch import Membership, lock_name
from services.dispatch.domain.command import Command, NewPlace, Refusal
from services.dispatch.domain.deciding import decide
from services.dispatch.domain.leaving import event_of, feeds_of
from services.dispatch.domain.parties import Party, relations
from services.dispatch.domain.permitting import may_ever
from services.dispatch.domain.proof import Shot
from services.dispatch.domain.states import CLOSING, Action

EARNING: frozenset[Action] = frozenset({"join", "check"})
"""What reporters earn by beyond reports: not for suspended ones."""


@dataclass(frozen=True)
class Request:
    """What came in: who, which case, what, with which key, for which map."""

    party: Party
    case_id: UUID
    action: Action
    body: AnyBody
    key: str | None
    crs: Crs

    def digest(self) -> bytes:
        """What a repeat must be equal in."""
        return request_hash(str(self.case_id), self.action, self.body.model_dump(mode="json"))


async def act(context: Context, request: Request) -> Answer:
    """The case afterwards, or the first answer to this key. Raises Problem."""
    command = await _command(context, request)
    async with context.db.transaction() as connection:
        if request.key is not None:
            digest = request.digest()
            done = await idempotency.claim(connection, request.party.id, request.key, digest)
            if done is not None:
                return done
        answer = await _decide_and_save(context, connection, request, command)
        if request.key is not None:
            await idempotency.store(connection, request.party.id, request.key, answer)
    context.bell.ring()
    return answer


async def _decide_and_save(
    context: Context, connection: Connection, request: Request, command: Command
) -> Answer:
    if request.action in EARNING and await standing_sql.is_suspended(connection, request.party.id):
        raise Problem(SUSPENDED)
    case, command = await _locked(context, connection, request, command)
    now = await connection.fetchval("select clock_timestamp()")
    facts = decide(case, command, now, context.city)
    if isinstance(facts, Refusal):
        raise _problem(facts, case)
    last = {fact.case.id: fact.case for fact in facts}
    members = [_member(fact) for fact in facts if isinstance(fact, ReportJoined)]
    await case_sql.save(connection, list(last.values()), context.city, facts, members)
    await _move(connection, facts)
    leaving = [outbox.Outgoing(event_of(fact), feeds_of(fact, case)) for fact in facts]
    await outbox.append(connection, leaving)
    return _answer(context, request, last[case.id], now)


def _answer(context: Context, request: Request, after: Case, now: datetime) -> Answer:
    """A bystander stays one after a check, and sees what everybody may see."""
    if relations(after, request.party) == {"bystander"}:
        return Answer.of(200, nearby(after, request.party, request.crs))
    return Answer.of(200, full(after, request.party, now, context.city, request.crs))


def _member(fact: ReportJoined) -> Membership:
    joined = next(each for each in fact.case.reports if each.report_id == fact.report_id)
    return Membership(
        joined.report_id, fact.case.id, joined.reporter_id, joined.joined_at, joined.media
    )


async def _move(connection: Connection, facts: tuple[CaseFact, ...]) -> None:
    """Reports that belonged to another case, or do so from now on."""
    for fact in facts:
        if isinstance(fact, ReportJoined):
            await case_sql.move_reports(connection, [fact.report_id], fact.case.id)
        elif isinstance(fact, ReportSeparated):
            await case_sql.move_reports(connection, [fact.report_id], fact.into)


async def _locked(
    context: Context, connection: Connection, request: Request, command: Command
) -> tuple[Case, Command]:
    """The case, locked, and the command with what only the locked rows say.

    The locks of duplicates come before the rows where joining may change.
    """
    seen = await queue_sql.case(connection, request.case_id)
    if seen is None or not _may_ask(seen, request):
        raise not_found()
    into_id = getattr(request.body, "into", None)
    into = await queue_sql.case(connection, into_id) if into_id else None
    names = _lock_names(context, command, seen, into) if request.action in CLOSING else set()
    await case_sql.advisory(connection, names)
    ids = [seen.id, into.id] if into else [seen.id]
    cases = await case_sql.lock(connection, ids)
    case = cases[seen.id]
    if not _may_ask(case, request):
        raise not_found()
    target = cases[into.id] if into else None
    if names and not _lock_names(context, command, case, target) <= names:
        raise unavailable(RETRY_AFTER_S)  # it moved meanwhile
    if request.action == "check":
        checked = await case_sql.has_checked(connection, case.id, request.party.id)
        command = replace(command, done_before=checked)
    return case, replace(command, into=target)


def _may_ask(case: Case, request: Request) -> bool:
    return may_see(case, request.party) or may_ever(request.action, case, request.party)


def _lock_names(context: Context, command: Command, case: Case, into: Case | None) -> set[str]:
    """The cells and families that the case leaves and enters, and those of the other case."""
    known = context.city.category(command.category)
    families = {case.family, known.family} if known else {case.family}
    cells = {case.cell, command.moved.cell} if command.moved else {case.cell}
    names = {lock_name(family, cell) for family in families for cell in cells}
    return names | {lock_name(into.family, into.cell)} if into else names


async def _command(context: Context, request: Request) -> Command:
    body = request.body
    community = getattr(body, "community", None)
    if community is not None and community not in context.areas.owners:
        raise invalid_field("community", "没有这个社区", "There is no such community")
    report_id = getattr(body, "report_id", None)
    return Command(
        action=request.action,
        party=request.party,
        revision=body.revision,
        reason=getattr(body, "reason", None),
        note=body.note,
        shots=await _shots(context, request, getattr(body, "media", [])),
        member=getattr(body, "member", None),
        community=community,
        department=getattr(body, "department", None),
        hours=getattr(body, "hours", None),
        text=getattr(body, "text", None),
        category=getattr(body, "category", None),
        moved=_moved(context, getattr(body, "place", None)),
        fixed=getattr(body, "fixed", True),
        report_id=str(report_id) if report_id else None,
    )


def _moved(context: Context, where: Where | None) -> NewPlace | None:
    if where is None:
        return None
    lat, lon = to_wgs84(where.lat, where.lon, where.crs)
    if not context.areas.inside_city(lat, lon):
        raise invalid_field("place", "不在本市范围内", "It is outside the city")
    covers = context.areas.community_at(lat, lon)
    return NewPlace(
        Place(lat=lat, lon=lon, accuracy_m=where.accuracy_m, source="answer"),
        cell(lat, lon, context.city.h3_resolution),
        covers.code if covers else None,
    )


async def _shots(context: Context, request: Request, ids: list[str]) -> tuple[Shot, ...]:
    """The caller's own media, asked from intake before any lock is held."""
    if not ids:
        return ()
    seen = await queue_sql.case(context.db, request.case_id)
    if seen is None or not _may_ask(seen, request):
        raise not_found()
    try:
        return await context.media.verified(list(dict.fromkeys(ids)), request.party.id)
    except MediaUnknown as error:
        raise invalid_field("media", "没有这张照片", "There is no such photo of yours") from error
    except MediaAway as error:
        raise unavailable(RETRY_AFTER_S) from error


def _problem(refusal: Refusal, case: Case) -> Problem:
    if refusal.why == "role":
        return Problem(FORBIDDEN)
    if refusal.why == "field":
        return invalid_field(refusal.field, refusal.zh, refusal.en)
    return Problem(
        STALE if refusal.why == "revision" else CONFLICT,
        zh=f"案件当前状态：{case.state}",
        en=f"The case is {case.state} now",
        state=case.state,
        revision=case.revision,
        allowed=list(refusal.allowed),
    )
