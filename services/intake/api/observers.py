"""Reporters for operators: look, suspend, reinstate, with a reason."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Response
from pydantic import BaseModel

from contracts.city import City
from runtime.auth import allow
from runtime.db import Connection, Database
from runtime.errors import documents, not_found
from runtime.http import Body
from runtime.idempotency import Answer, checked_key, claim, request_hash, store
from runtime.outbox import Outgoing, append
from runtime.tokens import Caller
from services.intake.adapters import observer_sql, registration_sql
from services.intake.api.context import Context
from services.intake.api.problems import PatientRoute
from services.intake.api.registration import RegistrationGiven, given
from services.intake.domain.observer import (
    Observer,
    ObserverState,
    StandingReason,
    standing_changed,
)

Operator = Annotated[Caller, allow("operator")]
ObserverId = Annotated[str, Path(max_length=64, pattern=r"^[ -~]+$")]
IdempotencyKey = Annotated[str | None, Header()]


class StandingBody(Body):
    """What the observer is to be, and why, by a code."""

    state: ObserverState
    reason: StandingReason


class ObserverGiven(BaseModel):
    """`reason` and `since` of the latest decision; null when nobody ever decided."""

    id: str
    state: ObserverState
    reason: str | None
    since: datetime | None
    created_at: datetime
    registration: RegistrationGiven | None


def router(context: Context) -> APIRouter:
    """GET and PUT /v1/observers/{id}."""
    routes = APIRouter(route_class=PatientRoute, tags=["observers"])

    @routes.get(
        "/v1/observers/{observer_id}",
        response_model=ObserverGiven,
        responses=documents(401, 403, 404, 422, 503),
    )
    async def observer(observer_id: ObserverId, _: Operator) -> dict[str, Any]:
        """Their standing and their latest registration: nothing says who the person is."""
        found = await observer_sql.one(context.db, observer_id)
        if found is None:
            raise not_found()
        return await _shown(context.db, found, context.city)

    @routes.put(
        "/v1/observers/{observer_id}",
        response_model=ObserverGiven,
        responses=documents(401, 403, 404, 422, 503),
    )
    async def decide(
        observer_id: ObserverId,
        body: StandingBody,
        caller: Operator,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Suspends: no reports, no points. Or reinstates. The same state again changes nothing."""
        key = checked_key(idempotency_key)
        digest = request_hash("PUT /v1/observers", observer_id, body.state, body.reason)
        async with context.db.transaction() as connection:
            if key and (earlier := await claim(connection, caller.sub, key, digest)):
                return earlier.response()
            after = await _decided(connection, observer_id, body, caller.sub)
            answer = Answer.of(200, await _shown(connection, after, context.city))
            if key:
                await store(connection, caller.sub, key, answer)
        context.bell.ring()
        return answer.response()

    return routes


async def _decided(
    connection: Connection, observer_id: str, body: StandingBody, operator_id: str
) -> Observer:
    found = await observer_sql.locked(connection, observer_id)
    if found is None:
        raise not_found()
    if found.state == body.state:
        return found
    now = await connection.fetchval("select clock_timestamp()")
    after = replace(found, state=body.state, reason=body.reason, since=now)
    await observer_sql.decide(connection, after)
    seq = await registration_sql.next_seq(connection, observer_id)
    await append(connection, [Outgoing(standing_changed(after, operator_id, seq, now))])
    return after


async def _shown(db: Database | Connection, of: Observer, city: City) -> dict[str, Any]:
    registration = await registration_sql.latest(db, of.id)
    shown = given(registration, city) if registration else None
    return asdict(of) | {"registration": shown}
