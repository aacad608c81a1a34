"""Photos of requests, for clients that fetch `media_url` themselves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from runtime.errors import NOT_FOUND, Problem
from services.open311.api.answers import PREFIX, DoorRoute, Visitor, documents
from services.open311.api.context import Context
from services.open311.api.requests import one_known
from services.open311.domain.telling import public_media

_IMAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "The copy without metadata"}
}


def router(context: Context) -> APIRouter:
    """GET requests/{id}/media/{n}.jpg."""
    routes = APIRouter(prefix=PREFIX, route_class=DoorRoute, tags=["open311"])

    @routes.get(
        "/requests/{service_request_id}/media/{number}.jpg",
        response_class=Response,
        responses=_IMAGE | documents(400, 404, 503),
    )
    async def picture(
        service_request_id: str, number: Annotated[int, Path(ge=1, le=99)], _: Visitor
    ) -> Response:
        """A photo that came as `media`; 404 with Retry-After while it is being prepared."""
        known = await one_known(context, service_request_id)
        media = public_media(known)
        if number > len(media):
            raise Problem(NOT_FOUND)
        found = await context.behind.picture(media[number - 1].id)
        if found is None:
            raise Problem(NOT_FOUND, headers={"Retry-After": "1"})
        headers = {"Cache-Control": "public, max-age=3600"}
        return Response(found[1], media_type=found[0], headers=headers)

    return routes
