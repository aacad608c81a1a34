"""The operator's search for spreadsheets and maps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from contracts.cases import Case
from contracts.submissions import Crs
from runtime.errors import documents, language_of
from runtime.steady import SteadyRoute
from services.tracking.adapters import search_sql
from services.tracking.api.cases import place_in_list, shown
from services.tracking.api.context import Context
from services.tracking.api.operator_answers import Features
from services.tracking.api.searching import Operator, What
from services.tracking.domain.searching import Sought
from services.tracking.domain.spreadsheet import BOM, Cell, rows

PAGE = 1000
MOST_ROWS = 200_000
MOST_FEATURES = 20_000
HEADINGS = (
    ("编号", "code"), ("案件ID", "id"), ("状态", "state"), ("类别代码", "category"),
    ("类别", "category_name"), ("社区代码", "community"), ("社区", "community_name"),
    ("街道", "street"), ("区", "district"), ("部门", "department"), ("纬度", "lat"),
    ("经度", "lon"), ("坐标系", "crs"), ("危险", "dangerous"), ("立案时间", "opened_at"),
    ("接单时间", "accepted_at"), ("办结时间", "resolved_at"), ("结案时间", "closed_at"),
    ("处置时限", "resolve_by"), ("超期", "overdue"), ("上报数", "reports"), ("描述", "text"),
)  # fmt: skip
CSV_DOCS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "UTF-8 with BOM"}
}
Languages = Annotated[str | None, Header(alias="accept-language")]


def router(context: Context) -> APIRouter:
    """GET /v1/cases.csv, /v1/cases.geojson."""
    routes = APIRouter(route_class=SteadyRoute, tags=["search"])
    problems = documents(401, 403, 422, 503)

    @routes.get("/v1/cases.csv", response_class=StreamingResponse, responses=problems | CSV_DOCS)
    async def as_csv(
        _: Operator, what: What, crs: Crs = "wgs84", accept_language: Languages = None
    ) -> StreamingResponse:
        """All that the search finds, for Excel: Chinese headings unless English is asked for."""
        now, language = context.clock(), language_of(accept_language or "")
        # The first page before the answer begins, so that a database that is away is a 503.
        first = await search_sql.cases(context.db, what, now, None, PAGE)
        heading = BOM + rows([[each[language == "en"] for each in HEADINGS]])

        async def lines() -> AsyncIterator[str]:
            yield heading
            async for page in _pages(context, what, now, first):
                yield rows(_cells(shown(context, case, now, language, crs)) for case in page)

        headers = {"Content-Disposition": 'attachment; filename="cases.csv"'}
        return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)

    @routes.get("/v1/cases.geojson", response_model=Features, responses=problems)
    async def as_geojson(
        _: Operator,
        what: What,
        limit: Annotated[int, Query(ge=1, le=MOST_FEATURES)] = MOST_FEATURES,
        crs: Crs = "wgs84",
        accept_language: Languages = None,
    ) -> Response:
        """The newest that the search finds, as points."""
        now, language = context.clock(), language_of(accept_language or "")
        found = await search_sql.cases(context.db, what, now, None, limit + 1)
        features = [_feature(shown(context, case, now, language, crs)) for case in found[:limit]]
        body = {
            "type": "FeatureCollection",
            "features": features,
            "crs_of_coordinates": crs,
            "truncated": len(found) > limit,
        }
        return Response(msgspec.json.encode(body), media_type="application/geo+json")

    return routes


async def _pages(
    context: Context, what: Sought, now: datetime, first: list[Case]
) -> AsyncIterator[list[Case]]:
    page, sent = first, 0
    while page:
        yield page
        sent += len(page)
        if len(page) < PAGE or sent >= MOST_ROWS:
            return
        page = await search_sql.cases(context.db, what, now, place_in_list(page[-1]), PAGE)


def _cells(case: dict[str, Any]) -> list[Cell]:
    where, clocks, community = case["place"], case["clocks"], case["community"] or {}
    return [
        case["code"], case["id"], case["state"], case["category"], case["category_name"],
        community.get("code"), community.get("name"), community.get("street"),
        community.get("district"), case["department"], where["lat"], where["lon"], where["crs"],
        _yes(case["dangerous"]), _time(case["opened_at"]), _time(case["accepted_at"]),
        _time(case["resolved_at"]), _time(case["closed_at"]), _time(clocks["resolve_by"]),
        _yes(clocks["overdue"]), case["report_count"], case["text"],
    ]  # fmt: skip


def _yes(said: bool) -> int:
    return int(said)


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _feature(case: dict[str, Any]) -> dict[str, Any]:
    where = case.pop("place")
    return {
        "type": "Feature",
        "id": case["id"],
        "geometry": {"type": "Point", "coordinates": [where["lon"], where["lat"]]},
        "properties": case,
    }
