"""The log of what went to a webhook, and another try for what failed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from runtime.errors import Problem, not_found
from runtime.http import decode_cursor, encode_cursor
from runtime.idempotency import Answer
from runtime.steady import SteadyRoute
from services.notify.adapters import delivery_sql, webhook_sql
from services.notify.adapters.delivery_sql import DeliveryState
from services.notify.api import views
from services.notify.api.answers import DeliveriesGiven, DeliveryGiven
from services.notify.api.context import NOT_FAILED, Context, documents
from services.notify.api.inbox import Key
from services.notify.api.webhooks import Operator


def router(context: Context) -> APIRouter:
    """GET /v1/webhooks/{id}/deliveries, POST …/{delivery}/retry."""
    routes = APIRouter(route_class=SteadyRoute, tags=["webhooks"])

    @routes.get(
        "/v1/webhooks/{id}/deliveries",
        response_model=DeliveriesGiven,
        responses=documents(401, 403, 404, 422, 503),
    )
    async def log(
        id: UUID,
        caller: Operator,
        state: DeliveryState | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> Response:
        """The newest first; `state=failed` are the dead letters."""
        if await webhook_sql.one(context.db, id) is None:
            raise not_found()
        after: tuple[datetime, UUID] | None = None
        if cursor:
            at, last = decode_cursor(cursor, datetime, UUID)
            after = (at, last)
        lines = await delivery_sql.page(context.db, id, state, after, limit + 1)
        more = None
        if len(lines) > limit:
            more = encode_cursor(
                (lines[limit - 1].created_at.isoformat(), str(lines[limit - 1].id))
            )
        page = {"deliveries": [views.delivery(each) for each in lines[:limit]], "cursor": more}
        return Answer.of(200, page).response()

    @routes.post(
        "/v1/webhooks/{id}/deliveries/{delivery}/retry",
        status_code=202,
        response_model=DeliveryGiven,
        responses=documents(401, 403, 404, 409, 422, 503),
    )
    async def retry(id: UUID, delivery: UUID, caller: Operator, key: Key = None) -> Response:
        """A delivery that failed begins anew, with the same `webhook-id`."""

        async def work(connection: Any) -> Answer:
            line = await delivery_sql.lock(connection, id, delivery)
            if line is None:
                raise not_found()
            if line.state != "failed":
                raise Problem(NOT_FAILED, state=line.state)
            again = await delivery_sql.again(connection, line)
            return Answer.of(202, views.delivery(again))

        return await context.once(caller.sub, key, ("retry", str(id), str(delivery)), work)

    return routes
