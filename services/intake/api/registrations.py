"""The registrations of a community or street, for its handlers: look, confirm, refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel

from runtime.auth import allow
from runtime.db import Connection
from runtime.errors import CONFLICT, Problem, documents, not_found
from runtime.http import Body, decode_cursor, encode_cursor
from runtime.idempotency import Answer, checked_key, claim, request_hash, store
from runtime.outbox import Outgoing, append
from runtime.tokens import Caller
from services.intake.adapters import registration_sql
from services.intake.adapters.registration_sql import Position
from services.intake.api.context import Context
from services.intake.api.problems import PatientRoute
from services.intake.api.registration import RegistrationGiven, given
from services.intake.domain.registration import (
    STATE_AFTER,
    Decision,
    RefusalReason,
    Registration,
    RegistrationState,
    decided,
    may_decide,
    place_of,
)

Handler = Annotated[Caller, allow("handler")]
IdempotencyKey = Annotated[str | None, Header()]
PROBLEMS = documents(401, 403, 404, 409, 422, 503)


class RefusalBody(Body):
    """Why, by a code."""

    reason: RefusalReason


class RegistrationsGiven(BaseModel):
    """Oldest first; `cursor` when there is more."""

    registrations: list[RegistrationGiven]
    cursor: str | None


def router(context: Context) -> APIRouter:
    """GET /v1/communities/{code}/registrations, POST …/{id}/confirm and …/{id}/refuse."""
    routes = APIRouter(route_class=PatientRoute, tags=["registration"])

    @routes.get(
        "/v1/communities/{code}/registrations",
        response_model=RegistrationsGiven,
        responses=documents(401, 403, 404, 422, 503),
    )
    async def registrations(
        code: str,
        caller: Handler,
        state: RegistrationState = "pending",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> dict[str, Any]:
        """Of the handler's community, or of the street that it is in (9 digits); else 404."""
        place = _own_place(context, code, caller)
        after = Position(*decode_cursor(cursor, datetime, UUID)) if cursor else None
        found = await registration_sql.page(context.db, place, state, after, limit + 1)
        shown, more = found[:limit], None
        if len(found) > limit:
            more = encode_cursor((shown[-1].registered_at, shown[-1].id))
        return {"registrations": [given(e, context.city) for e in shown], "cursor": more}

    @routes.post(
        "/v1/communities/{code}/registrations/{registration_id}/confirm",
        response_model=RegistrationGiven,
        responses=PROBLEMS,
    )
    async def confirm(
        code: str, registration_id: UUID, caller: Handler, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """The observer was here and is known. Points that waited for this become real."""
        key = checked_key(idempotency_key)
        place = _own_place(context, code, caller)
        return await _decide(context, place, registration_id, "confirm", None, caller, key)

    @routes.post(
        "/v1/communities/{code}/registrations/{registration_id}/refuse",
        response_model=RegistrationGiven,
        responses=PROBLEMS,
    )
    async def refuse(
        code: str,
        registration_id: UUID,
        body: RefusalBody,
        caller: Handler,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Not here, with a reason; the observer may register again."""
        key = checked_key(idempotency_key)
        place = _own_place(context, code, caller)
        return await _decide(context, place, registration_id, "refuse", body.reason, caller, key)

    return routes


def _own_place(context: Context, code: str, caller: Caller) -> str:
    place = place_of(code, context.areas.communities, context.city)
    if place is None or not may_decide(place, caller.communities):
        raise not_found()
    return place


async def _decide(
    context: Context,
    place: str,
    registration_id: UUID,
    decision: Decision,
    reason: str | None,
    caller: Caller,
    key: str | None,
) -> Response:
    digest = request_hash("registrations", place, str(registration_id), decision, reason)
    async with context.db.transaction() as connection:
        if key and (earlier := await claim(connection, caller.sub, key, digest)):
            return earlier.response()
        found = await _locked(connection, place, registration_id)
        after = await _decided(connection, found, decision, reason, caller.sub)
        answer = Answer.of(200, given(after, context.city))
        if key:
            await store(connection, caller.sub, key, answer)
    context.bell.ring()
    return answer.response()


async def _locked(connection: Connection, place: str, registration_id: UUID) -> Registration:
    """As it is while its reporter's row is held; 404 for another place's."""
    seen = await registration_sql.one(connection, registration_id)
    if seen is None or seen.community != place:
        raise not_found()
    await registration_sql.lock_reporter(connection, seen.reporter_id)
    found = await registration_sql.one(connection, registration_id)
    if found is None:
        raise not_found()
    return found


async def _decided(
    connection: Connection,
    found: Registration,
    decision: Decision,
    reason: str | None,
    handler_id: str,
) -> Registration:
    """Decided once: the same decision again changes nothing, the other one is 409."""
    state = STATE_AFTER[decision]
    if found.state == state:
        return found
    if found.state != "pending":
        raise Problem(
            CONFLICT,
            zh="该报到已有处理结果",
            en="This registration was decided already",
            state=found.state,
            allowed=[],
        )
    now = await connection.fetchval("select clock_timestamp()")
    after = replace(found, state=state, decided_at=now, reason=reason)
    await registration_sql.decide(connection, after)
    seq = await registration_sql.next_seq(connection, after.reporter_id)
    await append(connection, [Outgoing(decided(after, handler_id, seq, now))])
    return after
