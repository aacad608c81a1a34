"""Everything else under the door's path is 404 in Open311's own format."""

from __future__ import annotations

from fastapi import APIRouter

from runtime.errors import NOT_FOUND, Problem
from services.open311.api.answers import PREFIX, DoorRoute, Visitor
from services.open311.api.context import Context


def router(context: Context) -> APIRouter:
    """GET anything."""
    routes = APIRouter(prefix=PREFIX, route_class=DoorRoute, tags=["open311"])

    @routes.get("/{rest:path}", include_in_schema=False)
    async def nothing(rest: str, _: Visitor) -> None:
        raise Problem(NOT_FOUND)

    return routes
