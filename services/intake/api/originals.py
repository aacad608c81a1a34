"""Originals: by a link that expires, each opening in a log that operators read."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse

from runtime.auth import allow
from runtime.errors import not_found
from runtime.http import decode_number, encode_cursor
from runtime.tokens import Caller
from services.intake.adapters import original_sql
from services.intake.adapters.media_store import MediaMissing
from services.intake.api.bodies import MEDIA_ID, OpeningsGiven
from services.intake.api.context import Context
from services.intake.api.media import streamed
from services.intake.api.problems import PatientRoute, documents

MediaId = Annotated[str, Path(pattern=MEDIA_ID)]
NEWEST = 2**63 - 1


def router(context: Context) -> APIRouter:
    """GET /v1/media/{id}/original and /v1/media/{id}/openings."""
    routes = APIRouter(route_class=PatientRoute, tags=["media"])

    @routes.get(
        "/v1/media/{media_id}/original",
        response_class=StreamingResponse,
        responses=documents(404, 422, 503)
        | {200: {"content": {"image/*": {}, "audio/*": {}}, "description": "As it was sent"}},
    )
    async def original(
        media_id: MediaId,
        link: Annotated[str, Query(min_length=20, max_length=100, pattern=r"^[\w-]+$")],
        _: Annotated[Caller | None, allow("public")],
    ) -> StreamingResponse:
        """The file as it was sent, with all its metadata, for whoever was given the link.

        The link comes from POST /v1/cases/{id}/media/{media}/original; 404 once it is over.
        """
        kind = await original_sql.opened(context.db, media_id, link)
        if kind is None:
            raise not_found()
        try:
            found = await context.store.open_original(media_id)
        except MediaMissing as error:
            raise not_found() from error
        return streamed(media_id, kind, found, cache="no-store")

    @routes.get(
        "/v1/media/{media_id}/openings",
        response_model=OpeningsGiven,
        responses=documents(401, 403, 422, 503),
    )
    async def openings(
        media_id: MediaId,
        _: Annotated[Caller, allow("operator")],
        limit: Annotated[int, Query(ge=1, le=200)] = 100,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> dict[str, Any]:
        """Who opened the original, newest first."""
        before = decode_number(cursor) if cursor else NEWEST
        rows = await original_sql.openings(context.db, media_id, before, limit + 1)
        more = encode_cursor((rows[limit - 1]["id"],)) if len(rows) > limit else None
        return {"openings": [dict(each) for each in rows[:limit]], "cursor": more}

    return routes
