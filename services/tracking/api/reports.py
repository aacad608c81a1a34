"""A reporter's own reports, from the 202 on."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Query, Response

from contracts.submissions import Crs
from runtime.auth import allow
from runtime.errors import documents, language_of, not_found, unavailable
from runtime.http import decode_cursor, encode_cursor
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.tracking.adapters import case_sql, report_sql
from services.tracking.adapters.intake_client import IntakeAway
from services.tracking.api.answers import ReportGiven, ReportsGiven
from services.tracking.api.context import Context
from services.tracking.api.timeline import timeline
from services.tracking.api.views import Reader, summary
from services.tracking.domain.recent import ask_after, joined, older_than_asked
from services.tracking.domain.story import Story

Reporter = Annotated[Caller, allow("reporter")]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=400)]
Languages = Annotated[str | None, Header(alias="accept-language")]


def router(context: Context) -> APIRouter:
    """GET /v1/reports, /v1/reports/{id}."""
    routes = APIRouter(route_class=SteadyRoute, tags=["reports"])

    @routes.get("/v1/reports", response_model=ReportsGiven, responses=documents(401, 403, 422, 503))
    async def my_reports(
        caller: Reporter,
        limit: Limit = 50,
        cursor: Cursor = None,
        crs: Crs = "wgs84",
        accept_language: Languages = None,
    ) -> Response:
        """Mine, newest first, each with its case's state."""
        before = str(decode_cursor(cursor, UUID)[0]) if cursor else None
        stories, complete = await page_of(context, caller.sub, before, limit + 1)
        page = stories[:limit]
        cases = await case_sql.of_reports(context.db, [each.id for each in page])
        reader = reader_of(context, caller, crs, accept_language)
        more = encode_cursor((page[-1].id,)) if len(stories) > limit else None
        shown = [summary(each, cases.get(each.id), reader) for each in page]
        return _json({"reports": shown, "cursor": more, "complete": complete})

    @routes.get(
        "/v1/reports/{report_id}",
        response_model=ReportGiven,
        responses=documents(401, 403, 404, 422, 503),
    )
    async def my_report(
        report_id: UUID,
        caller: Reporter,
        crs: Crs = "wgs84",
        accept_language: Languages = None,
    ) -> Response:
        """As accepted, as normalised, its case, and all that happened. 404 for another's."""
        story = await _one(context, report_id, caller.sub)
        case = (await case_sql.of_reports(context.db, [story.id])).get(story.id)
        reader = reader_of(context, caller, crs, accept_language)
        lines = await timeline(context.db, story, case, reader)
        return _json(summary(story, case, reader) | {"timeline": lines})

    return routes


async def _one(context: Context, report_id: UUID, reporter_id: str) -> Story:
    """What arrived; what has not is asked of intake. Raises 404, 503."""
    known = await report_sql.own(context.db, report_id, reporter_id)
    if known is not None and known.accepted is not None:
        return known
    try:
        found = await context.newest.one(report_id, reporter_id)
    except IntakeAway as error:
        if known is None:
            raise unavailable() from error
        return known
    if known is None and found is None:
        raise not_found()
    if known is None or found is None:
        return known or found  # type: ignore[return-value]
    return msgspec.structs.replace(known, accepted=found.accepted)


async def page_of(
    context: Context, reporter_id: str, before: str | None, limit: int
) -> tuple[list[Story], bool]:
    """The newest `limit` below `before`, of what arrived and of what is on its way."""
    db = context.db
    newest = await report_sql.page(db, reporter_id, None, 1)
    after = ask_after(newest[0] if newest else None)
    known = await report_sql.page(db, reporter_id, UUID(before) if before else None, limit)
    fresh: dict[str, Story] = {}
    complete = True
    if not older_than_asked(before, after):
        try:
            fresh = joined(known, await context.newest.after(reporter_id, after), before)
        except IntakeAway:
            complete = False
    ids = sorted([*known, *fresh], reverse=True)[:limit]
    arrived = {each.id: each for each in await report_sql.stories(db, ids)}
    return [fresh.get(each) or arrived[each] for each in ids], complete


def reader_of(context: Context, caller: Caller, crs: Crs, accept_language: str | None) -> Reader:
    """Who looks."""
    return Reader(
        id=caller.sub,
        now=context.clock(),
        crs=crs,
        language=language_of(accept_language) if accept_language else "",
        city=context.city,
        areas=context.areas,
    )


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json; charset=utf-8")
