"""A reporter's own registration (报到备案): asked for once, with one community or street."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field

from contracts.city import City
from runtime.auth import allow
from runtime.db import Connection
from runtime.errors import Problem, declare, documents, invalid_field, not_found
from runtime.http import Body
from runtime.idempotency import Answer, checked_key, claim, request_hash, store
from runtime.outbox import Outgoing, append
from runtime.tokens import Caller
from services.intake.adapters import registration_sql
from services.intake.api.context import Context
from services.intake.api.problems import PatientRoute
from services.intake.domain.registration import (
    Registration,
    RegistrationState,
    name_of,
    place_of,
    registered,
)

REGISTERED_ELSEWHERE = declare(
    "registered-elsewhere",
    409,
    "您已在另一个社区或街道报到",
    "You are registered with another community or street",
)
Reporter = Annotated[Caller, allow("reporter")]
IdempotencyKey = Annotated[str | None, Header()]


class RegistrationBody(Body):
    """12 digits of a community, or 9 (or 12) of a street."""

    community: Annotated[str, Field(pattern=r"^\d{9}(\d{3})?$")]


class RegistrationGiven(BaseModel):
    """`code` is what the observer shows at the station; `reason` is why it was refused."""

    id: str
    code: str
    community: str
    name: str
    state: RegistrationState
    registered_at: str
    decided_at: str | None
    reason: str | None


def router(context: Context) -> APIRouter:
    """POST and GET /v1/me/registration."""
    routes = APIRouter(route_class=PatientRoute, tags=["registration"])

    @routes.post(
        "/v1/me/registration",
        status_code=201,
        response_model=RegistrationGiven,
        responses=documents(401, 403, 404, 409, 422, 503, own=(REGISTERED_ELSEWHERE,))
        | {200: {"description": "Registered there already", "model": RegistrationGiven}},
    )
    async def register(
        body: RegistrationBody, caller: Reporter, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Asks a community or street; a handler there decides. Elsewhere already: 409."""
        place = place_of(body.community, context.areas.communities, context.city)
        if place is None:
            raise invalid_field(
                "community", "没有这个社区或街道", "There is no such community or street"
            )
        key = checked_key(idempotency_key)
        return (await _register(context, caller.sub, place, key)).response()

    @routes.get(
        "/v1/me/registration",
        response_model=RegistrationGiven,
        responses=documents(401, 403, 404, 503),
    )
    async def registration(caller: Reporter) -> dict[str, Any]:
        """The latest; 404 for who never registered."""
        found = await registration_sql.latest(context.db, caller.sub)
        if found is None:
            raise not_found()
        return given(found, context.city)

    return routes


async def _register(context: Context, reporter_id: str, place: str, key: str | None) -> Answer:
    digest = request_hash("POST /v1/me/registration", place)
    async with context.db.transaction() as connection:
        if key and (earlier := await claim(connection, reporter_id, key, digest)):
            return earlier
        if not await registration_sql.lock_reporter(connection, reporter_id):
            raise not_found()
        found = await registration_sql.active(connection, reporter_id)
        if found is not None and found.community != place:
            raise Problem(REGISTERED_ELSEWHERE, community=found.community, state=found.state)
        if found is not None:
            answer = Answer.of(200, given(found, context.city))
        else:
            new = await _new(context, connection, reporter_id, place)
            answer = Answer.of(201, given(new, context.city))
        if key:
            await store(connection, reporter_id, key, answer)
    context.bell.ring()
    return answer


async def _new(
    context: Context, connection: Connection, reporter_id: str, place: str
) -> Registration:
    """Kept and said, under the reporter's lock."""
    now = await connection.fetchval("select clock_timestamp()")
    while True:
        new = Registration(str(uuid4()), context.new_code(), reporter_id, place, "pending", now)
        if await registration_sql.add(connection, new):
            break
    seq = await registration_sql.next_seq(connection, reporter_id)
    await append(connection, [Outgoing(registered(new, seq))])
    return new


def given(of: Registration, city: City) -> dict[str, Any]:
    """As its reporter and its handlers see it: nothing says who the person is."""
    return {
        "id": of.id,
        "code": of.code,
        "community": of.community,
        "name": name_of(of.community, city),
        "state": of.state,
        "registered_at": of.registered_at.isoformat(),
        "decided_at": of.decided_at.isoformat() if of.decided_at else None,
        "reason": of.reason,
    }
