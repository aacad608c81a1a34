"""GET /v1/me/export: a person's own copy of everything, as one JSON object that streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from runtime.auth import allow
from runtime.errors import documents, unavailable
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.tracking.adapters import case_sql, own_sql
from services.tracking.adapters.intake_client import IntakeAway
from services.tracking.api.context import Context
from services.tracking.api.reports import page_of, reader_of
from services.tracking.api.views import summary

REPORTS_PAGE = 100
Reporter = Annotated[Caller, allow("reporter")]
Page = list[dict[str, Any]]
_DOCS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"application/json": {"schema": {"type": "object"}}},
        "description": "profile, devices, sessions, registrations, media, reports, said, points,"
        " notices; `complete` ends it",
    }
}


def router(context: Context) -> APIRouter:
    """GET /v1/me/export."""
    routes = APIRouter(route_class=SteadyRoute, tags=["reports"])

    @routes.get(
        "/v1/me/export",
        response_class=StreamingResponse,
        responses=documents(401, 403, 503) | _DOCS,
    )
    async def export(caller: Reporter) -> StreamingResponse:
        """All that is kept of the caller. The files themselves: GET /v1/media/{id}; the words of
        notices: GET /v1/me/inbox. An answer without `complete` at its end was cut off."""
        # Asked before the answer begins, so that a service that is away is a 503.
        try:
            person = await context.newest.person(caller.sub)
            media = await context.newest.media_of(caller.sub, "")
            reports, _ = await page_of(context, caller.sub, None, 1)
        except IntakeAway as error:
            raise unavailable() from error
        parts = {
            "media": _media(context, caller.sub, media),
            "reports": _reports(context, caller) if reports else _nothing(),
            "said": own_sql.rows(context.db, own_sql.SAID_SQL, caller.sub),
            "points": own_sql.rows(context.db, own_sql.POINTS_SQL, caller.sub),
            "notices": own_sql.rows(context.db, own_sql.NOTICES_SQL, caller.sub),
        }
        headers = {
            "Content-Disposition": 'attachment; filename="yizhan.json"',
            "Cache-Control": "no-store",
        }
        heading = {"as_of": context.clock(), **person}
        return StreamingResponse(
            _object(heading, parts), media_type="application/json; charset=utf-8", headers=headers
        )

    return routes


async def _object(
    heading: dict[str, Any], parts: dict[str, AsyncIterator[Page]]
) -> AsyncIterator[bytes]:
    """The heading's members, then each part as a list, never more than a page in memory."""
    yield msgspec.json.encode(heading)[:-1]
    for name, pages in parts.items():
        yield f',"{name}":['.encode()
        comma = b""
        async for page in pages:
            for each in page:
                yield comma + msgspec.json.encode(each)
                comma = b","
        yield b"]"
    yield b',"complete":true}'


async def _media(context: Context, reporter_id: str, first: Page) -> AsyncIterator[Page]:
    page = first
    while page:
        yield page
        page = await context.newest.media_of(reporter_id, page[-1]["id"])


async def _reports(context: Context, caller: Caller) -> AsyncIterator[Page]:
    """Newest first, as GET /v1/reports shows them."""
    reader, before = reader_of(context, caller, "wgs84", None), None
    while True:
        stories, _ = await page_of(context, caller.sub, before, REPORTS_PAGE)
        cases = await case_sql.of_reports(context.db, [each.id for each in stories])
        yield [summary(each, cases.get(each.id), reader) for each in stories]
        if len(stories) < REPORTS_PAGE:
            return
        before = stories[-1].id


async def _nothing() -> AsyncIterator[Page]:
    yield []
