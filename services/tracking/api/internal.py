"""What other services ask tracking, by keys of their own; never through the edge."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Response
from msgspec.structs import replace
from pydantic import AwareDatetime, Field

from contracts.cases import Case
from runtime.auth import allow
from runtime.errors import documents, unavailable
from runtime.http import Body
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.tracking.adapters import case_sql, report_sql, request_sql, update_sql
from services.tracking.adapters.intake_client import IntakeAway
from services.tracking.adapters.request_sql import Wanted
from services.tracking.adapters.update_sql import Span
from services.tracking.api.context import Context
from services.tracking.domain.batch import Line
from services.tracking.domain.recent import made_at
from services.tracking.domain.story import Story

MOST = 1000
ON_THE_BUS = timedelta(days=7)
"""An event that has not arrived by then never will (the retention of `submissions`)."""
Service = Annotated[Caller, allow("service")]
Codes = Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=MOST)]
Offset = Annotated[int, Field(ge=0, le=10**7)]
Limit = Annotated[int, Field(ge=1, le=MOST)]


class Sought(Body):
    """As `Wanted`; with `lines` each report comes with its case's timeline."""

    ids: Annotated[list[UUID], Field(max_length=MOST)] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    updated_after: AwareDatetime | None = None
    updated_before: AwareDatetime | None = None
    categories: Codes | None = None
    shut: bool | None = None
    word: Annotated[str, Field(max_length=200)] | None = None
    word_categories: Codes = []
    only_open311: bool = False
    offset: Offset = 0
    limit: Limit = MOST
    lines: bool = False

    def wanted(self) -> Wanted:
        """For SQL."""
        fields = self.model_dump(exclude={"lines", "ids", "categories", "word_categories"})
        return Wanted(
            ids=None if self.ids is None else tuple(self.ids),
            categories=None if self.categories is None else tuple(self.categories),
            word_categories=tuple(self.word_categories),
            **fields,
        )


class Asked(Body):
    """As `Span`."""

    since: AwareDatetime
    until: AwareDatetime
    types: Codes
    only_open311: bool = False
    offset: Offset = 0
    limit: Limit = MOST


def router(context: Context) -> APIRouter:
    """/internal/v1/requests, /internal/v1/updates."""
    routes = APIRouter(prefix="/internal/v1", route_class=SteadyRoute, tags=["internal"])

    @routes.post("/requests", responses=documents(401, 403, 422, 503))
    async def requests(body: Sought, _: Service) -> Response:
        """Reports with their cases, newest first; of `ids` also those on their way from intake."""
        found = await request_sql.search(context.db, body.wanted())
        stories = await report_sql.stories(context.db, list(found))
        cases = await case_sql.of_reports(context.db, list(found))
        ids = {case.id for case in cases.values()} if body.lines else set()
        lines = await case_sql.lines_of(context.db, ids)
        fresh = await _on_their_way(context, body.ids or [], stories)
        known = sorted({each.id: each for each in [*stories, *fresh]}.values(), key=_id)
        return _json({"requests": [_told(e, cases, found, lines) for e in reversed(known)]})

    @routes.post("/updates", responses=documents(401, 403, 422, 503))
    async def updates(body: Asked, _: Service) -> Response:
        """One row for each report of a case and each thing that happened to it, oldest first."""
        span = Span(types=tuple(body.types), **body.model_dump(exclude={"types"}))
        found = await update_sql.updates(context.db, span)
        return _json({"updates": found})

    return routes


async def _on_their_way(context: Context, ids: list[UUID], arrived: list[Story]) -> list[Story]:
    """Reports of the ids whose submission has not arrived. Raises 503."""
    there = {each.id for each in arrived if each.accepted is not None}
    missing = [str(each) for each in ids if str(each) not in there and _may_come(context, each)]
    if not missing:
        return []
    try:
        found = await context.newest.known(missing)
    except IntakeAway as error:
        raise unavailable() from error
    half = {each.id: each for each in arrived}
    return [
        replace(half[each.id], accepted=each.accepted) if each.id in half else each
        for each in found
    ]


def _may_come(context: Context, report_id: UUID) -> bool:
    """Whether the id is so young that its event may be on its way."""
    made = made_at(str(report_id))
    return made is not None and made > context.clock() - ON_THE_BUS


def _told(
    story: Story, cases: dict[str, Case], updated: dict[str, Any], lines: dict[str, list[Line]]
) -> dict[str, Any]:
    case = cases.get(story.id)
    return {
        "story": story,
        "updated_at": updated.get(story.id),
        "case": None if case is None else replace(case, reports=()),
        "lines": lines.get(case.id, []) if case else [],
    }


def _id(story: Story) -> str:
    return story.id


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json; charset=utf-8")
