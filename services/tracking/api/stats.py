"""GET /v1/stats: how many, how fast, how late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Header, Query, Response

from runtime.errors import documents, invalid_field, language_of
from runtime.steady import SteadyRoute
from services.tracking.api.context import Context
from services.tracking.api.operator_answers import StatsGiven
from services.tracking.api.searching import Operator
from services.tracking.domain.figures import Sums

USUAL_DAYS = 30
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
        scope = (first, last, community, category)
        found = await context.stats.figures(context.db, scope, now)
        language = language_of(accept_language or "")
        body = {
            "since": first,
            "until": last,
            "total": _shown(found.total),
            "by_community": _by(found.by_community, lambda code: _community(context, code)),
            "by_category": _by(found.by_category, lambda code: _category(context, code, language)),
            "by_day": _by(found.by_day, lambda _: None),
        }
        return Response(msgspec.json.encode(body), media_type="application/json; charset=utf-8")

    return routes


class _Shown(msgspec.Struct):
    """Mean seconds from the opening."""

    cases: int
    running: int
    closed: int
    refused: int
    accept_s: float | None
    resolve_s: float | None
    late: int
    overdue: int


class _Named(_Shown):
    key: str | date
    name: str | None


def _shown(of: Sums) -> _Shown:
    return _Shown(*_parts(of))


def _parts(of: Sums) -> tuple[int, int, int, int, float | None, float | None, int, int]:
    accept_s = of.accept_us / of.accepted / 1e6 if of.accepted else None
    resolve_s = of.resolve_us / of.resolved / 1e6 if of.resolved else None
    return of.cases, of.running, of.closed, of.refused, accept_s, resolve_s, of.late, of.overdue


def _by(found: Mapping[Any, Sums], name: Callable[[Any], str | None]) -> list[_Named]:
    return [
        _Named(*_parts(sums), key, name(key)) for key, sums in sorted(found.items()) if sums.cases
    ]


def _community(context: Context, code: str) -> str | None:
    known = context.areas.owners.get(code)
    return known.name if known else None


def _category(context: Context, code: str, language: str) -> str | None:
    known = context.city.category(code)
    return known.name.to(language) if known else None
