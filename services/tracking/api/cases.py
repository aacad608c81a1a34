"""GET /v1/cases: the operator's search."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Query, Response

from contracts.cases import Case
from contracts.submissions import Crs
from runtime.errors import documents, language_of
from runtime.steady import SteadyRoute
from services.tracking.adapters import search_sql
from services.tracking.adapters.search_sql import Position
from services.tracking.api.context import Context
from services.tracking.api.operator_answers import CasesFound
from services.tracking.api.searching import Operator, What, cursor_of, position
from services.tracking.api.views import clocks, community, media, place
from services.tracking.domain.wording import reason_text


def router(context: Context) -> APIRouter:
    """The route."""
    routes = APIRouter(route_class=SteadyRoute, tags=["search"])

    @routes.get("/v1/cases", response_model=CasesFound, responses=documents(401, 403, 422, 503))
    async def search(
        _: Operator,
        what: What,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        crs: Crs = "wgs84",
        accept_language: Annotated[str | None, Header()] = None,
    ) -> Response:
        """By place, state, category, community, clock, day, words; newest first."""
        now, language = context.clock(), language_of(accept_language or "")
        rows = await search_sql.cases(context.db, what, now, position(cursor), limit + 1)
        found = [shown(context, case, now, language, crs) for case in rows[:limit]]
        more = cursor_of(place_in_list(rows[limit - 1])) if len(rows) > limit else None
        body = msgspec.json.encode({"cases": found, "cursor": more})
        return Response(body, media_type="application/json; charset=utf-8")

    return routes


def place_in_list(case: Case) -> Position:
    """Where a page that ends with this case ends."""
    return Position(case.opened_at, UUID(case.id))


def shown(context: Context, case: Case, now: datetime, language: str, crs: Crs) -> dict[str, Any]:
    """The case as a list shows it."""
    category = context.city.category(case.category)
    return {
        "id": case.id,
        "code": case.code,
        "state": case.state,
        "revision": case.revision,
        "community": community(case.community, context.areas),
        "department": case.department,
        "category": case.category,
        "category_name": category.name.to(language) if category else None,
        "text": case.text,
        "dangerous": case.dangerous,
        "place": place(case.place, crs),
        "clocks": clocks(case, now),
        "opened_at": case.opened_at,
        "accepted_at": case.accepted_at,
        "resolved_at": case.resolved_at,
        "closed_at": case.closed_at,
        "refusal": _reason(context, case.refusal, language),
        "media": media(case.media),
        "report_count": len(case.reports),
    }


def _reason(context: Context, code: str | None, language: str) -> dict[str, str] | None:
    return {"code": code, "text": reason_text(context.city, code, language)} if code else None
