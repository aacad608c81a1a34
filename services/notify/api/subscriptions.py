"""What a person asks to hear of besides their own reports: a case, a place, a category."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response

from contracts.places import to_wgs84
from contracts.submissions import Crs
from runtime.db import Connection
from runtime.errors import Problem, invalid_field, not_found
from runtime.idempotency import Answer
from runtime.steady import SteadyRoute
from services.notify.adapters import notice_sql, subscription_sql
from services.notify.api import views
from services.notify.api.answers import SubscriptionGiven, SubscriptionsGiven
from services.notify.api.bodies import SubscriptionBody
from services.notify.api.context import (
    SUBSCRIBED_ALREADY,
    TOO_MANY_SUBSCRIPTIONS,
    Context,
    documents,
)
from services.notify.api.inbox import Anybody, Key
from services.notify.domain.subscribing import (
    DIVISION_DIGITS,
    MOST_SUBSCRIPTIONS,
    Circle,
    Target,
)

PROBLEMS = documents(401, 403, 404, 422, 503)
CHANGES = documents(401, 403, 404, 409, 422, 503)
Datum = Annotated[Crs, Query(description="The datum of coordinates in the answer")]


def router(context: Context) -> APIRouter:
    """CRUD of /v1/me/subscriptions: everybody their own."""
    routes = APIRouter(route_class=SteadyRoute, tags=["subscriptions"])

    @routes.post(
        "/v1/me/subscriptions",
        status_code=201,
        response_model=SubscriptionGiven,
        responses=CHANGES | {200: {"description": "Asked before", "model": SubscriptionGiven}},
    )
    async def subscribe(
        body: SubscriptionBody, caller: Anybody, key: Key = None, crs: Datum = "wgs84"
    ) -> Response:
        """New and ended cases there are told like other notices. The same again: 200, the first."""
        target = _target(context, body)

        async def work(connection: Connection) -> Answer:
            await _lock(connection, caller.sub)
            known = await subscription_sql.same(connection, caller.sub, target)
            if known is not None:
                return Answer.of(200, views.subscription(known, context.city, crs))
            if await subscription_sql.count(connection, caller.sub) >= MOST_SUBSCRIPTIONS:
                raise Problem(TOO_MANY_SUBSCRIPTIONS, most=MOST_SUBSCRIPTIONS)
            made = await subscription_sql.add(connection, caller.sub, uuid4(), target)
            return Answer.of(201, views.subscription(made, context.city, crs))

        parts = ("subscribe", body.model_dump(mode="json"), crs)
        return await context.once(caller.sub, key, parts, work)

    @routes.get(
        "/v1/me/subscriptions",
        response_model=SubscriptionsGiven,
        responses=documents(401, 403, 422, 503),
    )
    async def all_of_mine(caller: Anybody, crs: Datum = "wgs84") -> Response:
        """The caller's own, the oldest first; never more than `most`."""
        found = await subscription_sql.of(context.db, caller.sub)
        given = [views.subscription(each, context.city, crs) for each in found]
        return Answer.of(200, {"subscriptions": given, "most": MOST_SUBSCRIPTIONS}).response()

    @routes.get("/v1/me/subscriptions/{id}", response_model=SubscriptionGiven, responses=PROBLEMS)
    async def one(id: UUID, caller: Anybody, crs: Datum = "wgs84") -> Response:
        """The caller's own; another person's is not there."""
        found = await subscription_sql.one(context.db, caller.sub, id)
        if found is None:
            raise not_found()
        return Answer.of(200, views.subscription(found, context.city, crs)).response()

    @routes.put("/v1/me/subscriptions/{id}", response_model=SubscriptionGiven, responses=CHANGES)
    async def replace(
        id: UUID,
        body: SubscriptionBody,
        caller: Anybody,
        key: Key = None,
        crs: Datum = "wgs84",
    ) -> Response:
        """Asks for something else from now on. What another one asks for already: 409."""
        target = _target(context, body)

        async def work(connection: Connection) -> Answer:
            await _lock(connection, caller.sub)
            known = await subscription_sql.same(connection, caller.sub, target)
            found = await subscription_sql.one(connection, caller.sub, id)
            if found is None:
                raise not_found()
            if known is not None and known.id != id:
                raise Problem(SUBSCRIBED_ALREADY, id=str(known.id))
            made = await subscription_sql.replace(connection, caller.sub, id, target)
            assert made is not None
            return Answer.of(200, views.subscription(made, context.city, crs))

        parts = ("subscription", str(id), body.model_dump(mode="json"), crs)
        return await context.once(caller.sub, key, parts, work)

    @routes.delete("/v1/me/subscriptions/{id}", status_code=204, responses=PROBLEMS)
    async def unsubscribe(id: UUID, caller: Anybody, key: Key = None) -> Response:
        """What was told stays in the inbox."""

        async def work(connection: Connection) -> Answer:
            if not await subscription_sql.delete(connection, caller.sub, id):
                raise not_found()
            return Answer(204, b"")

        return await context.once(caller.sub, key, ("unsubscribe", str(id)), work)

    return routes


async def _lock(connection: Connection, person: str) -> None:
    """One change of a person's subscriptions at a time; an erased person has none."""
    found = await notice_sql.lock(connection, [person])
    if found[person].erased:
        raise not_found()


def _target(context: Context, body: SubscriptionBody) -> Target:
    """What is asked for, in the city's own codes. Raises Problem 422."""
    circle = None
    if body.area is not None:
        lat, lon = to_wgs84(body.area.lat, body.area.lon, body.area.crs)
        circle = Circle(round(lat, 7), round(lon, 7), body.area.radius_m)
    category = None
    if body.category is not None:
        found = context.city.category(body.category)
        if found is None:
            raise invalid_field("category", "没有这个类别", "There is no such category")
        category = found.code
    return Target(
        case_id=str(body.case) if body.case else None,
        circle=circle,
        division=_division(context, body.division) if body.division else None,
        category=category,
    )


def _division(context: Context, code: str) -> str:
    whole = code.ljust(DIVISION_DIGITS, "0")
    found: Any = context.city.divisions.get(whole)
    if found is None or found.level == "city":
        raise invalid_field(
            "division",
            "没有这个社区、街道或区县",
            "There is no such community, street or district",
        )
    return whole
