"""One action on one case: key, lock, decision, save and event in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from contracts.cases import Case
from contracts.submissions import Crs, Media
from runtime import idempotency, outbox
from runtime.db import Connection
from runtime.errors import CONFLICT, FORBIDDEN, Problem, invalid_field, not_found, unavailable
from runtime.idempotency import Answer, request_hash
from services.dispatch.adapters import case_sql, queue_sql
from services.dispatch.adapters.media_client import RETRY_AFTER_S, MediaAway, MediaUnknown
from services.dispatch.api.bodies import AnyBody
from services.dispatch.api.context import STALE, Context
from services.dispatch.api.views import full, may_see
from services.dispatch.domain.batch import lock_name
from services.dispatch.domain.deciding import Command, Refusal, decide
from services.dispatch.domain.leaving import event_of, feeds_of
from services.dispatch.domain.parties import Party
from services.dispatch.domain.states import CLOSING, Action


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
    case = await _locked(connection, request)
    now = await connection.fetchval("select clock_timestamp()")
    facts = decide(case, command, now, context.city)
    if isinstance(facts, Refusal):
        raise _problem(facts, case)
    after = facts[-1].case
    await case_sql.save(connection, [after], context.city.verify_after_h)
    await case_sql.save_timeline(connection, facts)
    leaving = [outbox.Outgoing(event_of(fact), feeds_of(fact, case)) for fact in facts]
    await outbox.append(connection, leaving)
    seen = full(after, request.party, now, context.city, request.crs)
    return Answer.of(200, seen)


async def _locked(connection: Connection, request: Request) -> Case:
    """The case, locked; the locks of duplicates come before it where joining may change."""
    seen = await queue_sql.case(connection, request.case_id)
    if seen is None or not may_see(seen, request.party):
        raise not_found()
    if request.action in CLOSING:
        await case_sql.advisory(connection, [lock_name(seen.family, seen.cell)])
    case = (await case_sql.lock(connection, [seen.id]))[seen.id]
    if not may_see(case, request.party):
        raise not_found()
    return case


async def _command(context: Context, request: Request) -> Command:
    body = request.body
    community = getattr(body, "community", None)
    if community is not None and community not in context.areas.communities:
        raise invalid_field("community", "没有这个社区", "There is no such community")
    return Command(
        action=request.action,
        party=request.party,
        revision=body.revision,
        reason=getattr(body, "reason", None),
        note=body.note,
        media=await _media(context, request, getattr(body, "media", [])),
        community=community,
    )


async def _media(context: Context, request: Request, ids: list[str]) -> tuple[Media, ...]:
    """The caller's own media, asked from intake before any lock is held."""
    if not ids:
        return ()
    seen = await queue_sql.case(context.db, request.case_id)
    if seen is None or not may_see(seen, request.party):
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
