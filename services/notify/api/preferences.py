"""What a person prefers: language, quiet hours, channels."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from runtime.errors import documents
from runtime.idempotency import Answer
from runtime.steady import SteadyRoute
from services.notify.adapters import inbox_sql
from services.notify.api import views
from services.notify.api.answers import PreferencesGiven
from services.notify.api.bodies import PreferencesBody
from services.notify.api.context import Context
from services.notify.api.inbox import Anybody, Key
from services.notify.domain.quiet import Preferences, minutes

PROBLEMS = documents(401, 403, 422, 503)


def router(context: Context) -> APIRouter:
    """GET and PUT /v1/me/preferences."""
    routes = APIRouter(route_class=SteadyRoute, tags=["preferences"])

    @routes.get("/v1/me/preferences", response_model=PreferencesGiven, responses=PROBLEMS)
    async def read(caller: Anybody) -> Response:
        """As set, or as everybody begins."""
        found = await inbox_sql.preferences(context.db, caller.sub)
        return Answer.of(200, views.preferences(found)).response()

    @routes.put("/v1/me/preferences", response_model=PreferencesGiven, responses=PROBLEMS)
    async def write(body: PreferencesBody, caller: Anybody, key: Key = None) -> Response:
        """Replaces all of them."""
        quiet = body.quiet_hours
        wanted = Preferences(
            language=body.language,
            quiet_from=minutes(quiet.begin) if quiet else None,
            quiet_until=minutes(quiet.end) if quiet else None,
            stream=body.channels.stream,
        )

        async def work(connection: Any) -> Answer:
            await inbox_sql.prefer(connection, caller.sub, wanted)
            return Answer.of(200, views.preferences(wanted))

        parts = ("preferences", body.model_dump(mode="json"))
        return await context.once(caller.sub, key, parts, work)

    return routes
