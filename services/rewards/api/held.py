"""Held points: an operator looks, and releases or reverses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from runtime import idempotency, outbox
from runtime.auth import allow
from runtime.db import Connection
from runtime.errors import CONFLICT, Problem, documents, not_found
from runtime.http import decode_cursor, encode_cursor
from runtime.idempotency import Answer, checked_key, request_hash
from runtime.outbox import Outgoing
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.rewards.adapters import book_sql, ledger_sql
from services.rewards.api.answers import HeldGiven, HeldListGiven
from services.rewards.api.context import Context
from services.rewards.domain.account import Claim, HeldFor
from services.rewards.domain.book import Book
from services.rewards.domain.leaving import event_of
from services.rewards.handlers import measure

Decision = Literal["release", "reverse"]
Operator = Annotated[Caller, allow("operator")]
IdempotencyKey = Annotated[str | None, Header()]
PROBLEMS = documents(401, 403, 404, 409, 422, 503)


def router(context: Context) -> APIRouter:
    """GET /v1/held-points, POST /v1/held-points/{id}/release and /reverse."""
    routes = APIRouter(route_class=SteadyRoute, tags=["held points"])

    @routes.get(
        "/v1/held-points", response_model=HeldListGiven, responses=documents(401, 403, 422, 503)
    )
    async def held_points(
        _: Operator,
        held_for: HeldFor = "review",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> dict[str, Any]:
        """Points that wait, oldest first: for a review after strikes, or for a registration."""
        after = _position(cursor) if cursor else None
        found = await ledger_sql.held(context.db, held_for, after, limit + 1)
        page = found[:limit]
        more = None
        if len(found) > limit:
            more = encode_cursor((page[-1].claim.earned_at, str(page[-1].claim.id)))
        shown = [_given(each.claim) | {"strikes": each.strikes} for each in page]
        return {"held": shown, "cursor": more}

    @routes.post("/v1/held-points/{claim_id}/release", response_model=HeldGiven, responses=PROBLEMS)
    async def release(
        claim_id: UUID, caller: Operator, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Points held for review become real. Held for a registration: 409, a handler confirms."""
        key = checked_key(idempotency_key)
        return (await decide(context, claim_id, "release", caller, key)).response()

    @routes.post("/v1/held-points/{claim_id}/reverse", response_model=HeldGiven, responses=PROBLEMS)
    async def reverse(
        claim_id: UUID, caller: Operator, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Held points are taken back, for good in this round of the case."""
        key = checked_key(idempotency_key)
        return (await decide(context, claim_id, "reverse", caller, key)).response()

    return routes


async def decide(
    context: Context, claim_id: UUID, decision: Decision, caller: Caller, key: str | None
) -> Answer:
    """The claim afterwards, or the first answer to this key. Raises Problem."""
    async with context.db.transaction() as connection:
        if key is not None:
            digest = request_hash("held-points", str(claim_id), decision)
            done = await idempotency.claim(connection, caller.sub, key, digest)
            if done is not None:
                return done
        answer = Answer.of(200, await _decided(context, connection, claim_id, decision, caller))
        if key is not None:
            await idempotency.store(connection, caller.sub, key, answer)
    context.bell.ring()
    return answer


async def _decided(
    context: Context, connection: Connection, claim_id: UUID, decision: Decision, caller: Caller
) -> dict[str, Any]:
    seen = await ledger_sql.claim(connection, claim_id)
    if seen is None:
        raise not_found()
    now = await connection.fetchval("select clock_timestamp()")
    book = Book(context.city.rewards, context.zone, now, by=caller.sub)
    reporter = seen.key.reporter_id
    await book_sql.load(connection, book, reporters=[reporter], subjects=[])
    claim = book.claims.get(seen.key)
    if claim is None or (decision == "release" and claim.held_for != "review"):
        raise _refused(claim or await ledger_sql.claim(connection, claim_id) or seen)
    if decision == "release":
        book.release(seen.key)
    else:
        book.reverse(seen.key)
    await book_sql.save(connection, book)
    await outbox.append(connection, [Outgoing(event_of(each, now)) for each in book.booked()])
    measure(book)
    return _given(book.claims[seen.key])


def _refused(claim: Claim) -> Problem:
    allowed = ["reverse"] if claim.state == "held" else []
    return Problem(
        CONFLICT,
        zh=f"积分当前状态：{claim.state}",
        en=f"These points are {claim.state} now",
        state=claim.state,
        held_for=claim.held_for,
        allowed=allowed,
    )


def _given(claim: Claim) -> dict[str, Any]:
    key = claim.key
    return {
        "id": str(claim.id),
        "reporter_id": key.reporter_id,
        "case_id": key.subject_id,
        "reason": key.reason,
        "round": key.round,
        "points": claim.points,
        "month": claim.month,
        "earned_at": claim.earned_at,
        "held_for": claim.held_for,
        "state": claim.state,
    }


def _position(cursor: str) -> tuple[datetime, UUID]:
    at, claim_id = decode_cursor(cursor, datetime, UUID)
    return at, claim_id
