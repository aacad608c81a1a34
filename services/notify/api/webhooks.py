"""Webhooks for operators: where events are sent, which, signed with what."""

from __future__ import annotations

import secrets
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Response

from runtime.auth import allow
from runtime.errors import FieldError, Problem, invalid_field, not_found
from runtime.idempotency import Answer
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.notify.adapters import delivery_sql, webhook_sql
from services.notify.adapters.sending import resolve
from services.notify.adapters.webhook_sql import Wanted
from services.notify.api import views
from services.notify.api.answers import DeliveryGiven, WebhookGiven, WebhooksGiven
from services.notify.api.bodies import WebhookBody
from services.notify.api.context import (
    REFUSED_URL,
    TOO_MANY_WEBHOOKS,
    Context,
    documents,
)
from services.notify.api.inbox import Key
from services.notify.domain.signing import SECRET_BYTES, secret_of
from services.notify.domain.targets import RefusedTarget
from services.notify.domain.webhooks import trial

PROBLEMS = documents(401, 403, 404, 422, 503)
MOST_WEBHOOKS = 200
OVERLAP_H = 24
Operator = Annotated[Caller, allow("operator")]


def router(context: Context) -> APIRouter:
    """CRUD, a new secret, a trial."""
    routes = APIRouter(route_class=SteadyRoute, tags=["webhooks"])

    @routes.post(
        "/v1/webhooks",
        status_code=201,
        response_model=WebhookGiven,
        responses=documents(401, 403, 409, 422, 503),
    )
    async def create(body: WebhookBody, caller: Operator, key: Key = None) -> Response:
        """Subscribes a receiver. The answer carries the secret, this once."""
        wanted = await _wanted(context, body)

        async def work(connection: Any) -> Answer:
            if await webhook_sql.count(connection) >= MOST_WEBHOOKS:
                raise Problem(TOO_MANY_WEBHOOKS)
            secret = _new_secret()
            made = await webhook_sql.add(connection, uuid4(), wanted, secret, caller.sub)
            return Answer.of(201, views.webhook(made, secret))

        parts = ("webhook", body.model_dump(mode="json"))
        return await context.once(caller.sub, key, parts, work)

    @routes.get("/v1/webhooks", response_model=WebhooksGiven, responses=documents(401, 403, 503))
    async def all_of_them(caller: Operator) -> Response:
        """All webhooks of the installation, and what can be subscribed to."""
        found = await webhook_sql.all_of_them(context.db)
        types = sorted(context.table.webhooks)
        page = {"webhooks": [views.webhook(each) for each in found], "event_types": types}
        return Answer.of(200, page).response()

    @routes.get("/v1/webhooks/{id}", response_model=WebhookGiven, responses=PROBLEMS)
    async def one(id: UUID, caller: Operator) -> Response:
        """Without its secret."""
        found = await webhook_sql.one(context.db, id)
        if found is None:
            raise not_found()
        return Answer.of(200, views.webhook(found)).response()

    @routes.put("/v1/webhooks/{id}", response_model=WebhookGiven, responses=PROBLEMS)
    async def replace(id: UUID, body: WebhookBody, caller: Operator, key: Key = None) -> Response:
        """Replaces all but the secret. `active` false: what waits fails, nothing new is sent."""
        wanted = await _wanted(context, body)

        async def work(connection: Any) -> Answer:
            found = await webhook_sql.replace(connection, id, wanted)
            if found is None:
                raise not_found()
            return Answer.of(200, views.webhook(found))

        parts = ("replace", str(id), body.model_dump(mode="json"))
        return await context.once(caller.sub, key, parts, work)

    @routes.delete("/v1/webhooks/{id}", status_code=204, responses=PROBLEMS)
    async def delete(id: UUID, caller: Operator) -> Response:
        """With the log of its deliveries."""
        async with context.db.transaction() as connection:
            if not await webhook_sql.delete(connection, id):
                raise not_found()
        return Response(status_code=204)

    @routes.post("/v1/webhooks/{id}/secret", response_model=WebhookGiven, responses=PROBLEMS)
    async def rotate(id: UUID, caller: Operator, key: Key = None) -> Response:
        """A new secret; for 24 hours the one before signs as well."""

        async def work(connection: Any) -> Answer:
            secret = _new_secret()
            found = await webhook_sql.rotate(connection, id, secret, OVERLAP_H)
            if found is None:
                raise not_found()
            return Answer.of(200, views.webhook(found, secret))

        return await context.once(caller.sub, key, ("secret", str(id)), work)

    @routes.post(
        "/v1/webhooks/{id}/test",
        status_code=202,
        response_model=DeliveryGiven,
        responses=PROBLEMS,
    )
    async def test(id: UUID, caller: Operator, key: Key = None) -> Response:
        """Sends a `WebhookTest` soon; the log of deliveries says what came of it."""

        async def work(connection: Any) -> Answer:
            if await webhook_sql.one(connection, id) is None:
                raise not_found()
            now = await connection.fetchval("select clock_timestamp()")
            sent = trial(id, uuid4(), now)
            await delivery_sql.add(connection, [sent])
            line = await delivery_sql.lock(connection, id, sent.id)
            assert line is not None
            return Answer.of(202, views.delivery(line))

        return await context.once(caller.sub, key, ("test", str(id)), work)

    return routes


def _new_secret() -> str:
    return secret_of(secrets.token_bytes(SECRET_BYTES))


async def _wanted(context: Context, body: WebhookBody) -> Wanted:
    """What is asked for, checked: the URL by resolving it, the lists against the city."""
    try:
        await resolve(body.url, context.policy, context.resolver)
    except RefusedTarget as error:
        raise Problem(
            REFUSED_URL,
            zh=error.zh,
            en=error.en,
            errors=[FieldError("url", error.zh, error.en)],
        ) from error
    city = context.city
    for at, each in enumerate(body.event_types):
        if each not in context.table.webhooks:
            raise invalid_field(f"event_types.{at}", "没有这种事件", "No such type of event")
    for at, each in enumerate(body.communities):
        if each not in city.divisions:
            raise invalid_field(f"communities.{at}", "没有这个社区", "There is no such community")
    categories = []
    for at, each in enumerate(body.categories):
        category = city.category(each)
        if category is None:
            raise invalid_field(f"categories.{at}", "没有这个类别", "There is no such category")
        categories.append(category.code)
    return Wanted(
        url=body.url,
        description=body.description,
        event_types=list(dict.fromkeys(body.event_types)),
        communities=list(dict.fromkeys(body.communities)),
        categories=list(dict.fromkeys(categories)),
        active=body.active,
    )
