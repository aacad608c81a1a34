"""GET /v1/stats: how many, how fast, how late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Header, Query, Response

from runtime.errors import documents, invalid_field, language_of
from runtime.steady import SteadyRoute
from services.tracking.adapters import stats_sql
from services.tracking.adapters.stats_sql import CATEGORY, COMMUNITY, DAY, TOTAL, Figures
from services.tracking.api.context import Context
from services.tracking.api.operator_answers import StatsGiven
from services.tracking.api.searching import Operator

USUAL_DAYS = 30
SHOWN = tuple(each.name for each in fields(Figures) if each.name not in ("level", "key"))
MOST_DAYS = 3660
Code = Annotated[str | None, Query(max_length=64, pattern=r"^[ -~]*$")]


def router(context: Context) -> APIRouter:
    """The route."""
    routes = APIRouter(route_class=SteadyRoute, tags=["search"])
    zone = ZoneInfo(context.city.timezone)

    @routes.get("/v1/stats", response_model=StatsGiven, responses=documents(401, 403, 422, 503))
    async def stats(
        _: Operator,
        since: date | None = None,
        until: date | None = None,
        community: Code = None,
        category: Code = None,
        accept_language: Annotated[str | None, Header()] = None,
    ) -> Response:
        """The last 30 days when nothing is said."""
        now = context.clock()
        last = until or now.astimezone(zone).date()
        if last.toordinal() <= USUAL_DAYS:
            raise invalid_field("until", "日期超出范围", "Out of range")
        first = since or last - timedelta(days=USUAL_DAYS - 1)
        if not 0 <= (last - first).days <= MOST_DAYS:
            raise invalid_field("since", "时间范围不对", "Not a span of days up to ten years")
        found = await stats_sql.figures(context.db, (first, last), community, category, now)
        language = language_of(accept_language or "")
        total = next((each for each in found if each.level == TOTAL), Figures(TOTAL, ""))
        body = {
            "since": first,
            "until": last,
            "total": _figures(total),
            "by_community": _by(context, found, COMMUNITY, language),
            "by_category": _by(context, found, CATEGORY, language),
            "by_day": _by(context, found, DAY, language),
        }
        return Response(msgspec.json.encode(body), media_type="application/json; charset=utf-8")

    return routes


def _figures(of: Figures) -> dict[str, Any]:
    return {name: getattr(of, name) for name in SHOWN}


def _by(
    context: Context, found: Sequence[Figures], level: int, language: str
) -> list[dict[str, Any]]:
    return [
        {"key": each.key, "name": _name(context, level, each.key, language)} | _figures(each)
        for each in found
        if each.level == level
    ]


def _name(context: Context, level: int, key: str, language: str) -> str | None:
    if level == COMMUNITY and (known := context.areas.owners.get(key)):
        return known.name
    if level == CATEGORY and (category := context.city.category(key)):
        return category.name.to(language)
    return None
