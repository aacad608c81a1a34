"""One case, its timeline, and the open cases around a place."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Path, Query, Response

from cities.cells import cells_touching_circle
from contracts.cases import Case
from contracts.places import distance_m, to_wgs84
from contracts.submissions import Crs
from runtime.auth import allow
from runtime.errors import FORBIDDEN, Problem, invalid_field, not_found, unavailable
from runtime.http import decode_number, encode_cursor
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.dispatch.adapters import near_sql, queue_sql
from services.dispatch.adapters.media_client import RETRY_AFTER_S, MediaAway, MediaUnknown
from services.dispatch.adapters.queue_sql import Line
from services.dispatch.api.answers import CaseGiven, NearbyGiven, OriginalGiven, TimelineGiven
from services.dispatch.api.context import Context, documents
from services.dispatch.api.views import full, may_see, nearby, party_of, seen_at
from services.dispatch.domain.parties import Party, relations

NEARBY_M = 200.0
GRID_REACH_M = 75.0
"""From a place to the middle of its 100 m square, and a little more."""
REMARKS = frozenset({"CaseCommented", "CaseTransferred", "ExtensionRequested", "ExtensionDenied"})
"""What staff write to each other."""
FIRST_ONLY = frozenset({"QuestionAsked", "QuestionAnswered"})
"""Between the owner and the first reporter."""
PROBLEMS = documents(401, 403, 404, 422, 503)
Anybody = Annotated[Caller, allow("reporter", "handler", "department", "operator")]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=400)]


def router(context: Context) -> APIRouter:
    """GET /v1/cases/nearby, /v1/cases/{id}, /events; POST …/media/{id}/original."""
    routes = APIRouter(route_class=SteadyRoute, tags=["cases"])

    @routes.get(
        "/v1/cases/nearby", response_model=NearbyGiven, responses=documents(401, 403, 422, 503)
    )
    async def cases_nearby(
        caller: Anybody,
        lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)],
        lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)],
        crs: Crs = "wgs84",
        category: Annotated[str | None, Query(max_length=64)] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> Response:
        """Open cases within 200 m, for "me too"; places on a 100 m grid but for the owner."""
        family = _family(context, category)
        at = to_wgs84(lat, lon, crs)
        reach_m = NEARBY_M + GRID_REACH_M
        cells = cells_touching_circle(*at, reach_m, context.city.h3_resolution)
        cases = await near_sql.around(context.db, cells, family)
        return _json({"cases": _nearest(cases, at, party_of(caller), crs)[:limit]})

    @routes.get("/v1/cases/{case_id}", response_model=CaseGiven, responses=PROBLEMS)
    async def one_case(case_id: UUID, caller: Anybody, crs: Crs = "wgs84") -> Response:
        """For its reporters, its owner and operators; 404 for everybody else."""
        party = party_of(caller)
        case = await _visible(context, case_id, party)
        return _json(full(case, party, context.clock(), context.city, crs))

    @routes.get("/v1/cases/{case_id}/events", response_model=TimelineGiven, responses=PROBLEMS)
    async def case_events(
        case_id: UUID, caller: Anybody, limit: Limit = 100, cursor: Cursor = None
    ) -> Response:
        """What happened, in order; reporters do not see the remarks of staff."""
        party = party_of(caller)
        case = await _visible(context, case_id, party)
        after = decode_number(cursor, least=0, most=2**31 - 1) if cursor else 0
        lines = await queue_sql.timeline(context.db, case_id, after, limit + 1)
        more = encode_cursor((lines[limit - 1].seq,)) if len(lines) > limit else None
        return _json(
            {"events": [_line(each, case, party) for each in lines[:limit]], "cursor": more}
        )

    @routes.post(
        "/v1/cases/{case_id}/media/{media_id}/original",
        status_code=201,
        response_model=OriginalGiven,
        responses=PROBLEMS,
    )
    async def original(
        case_id: UUID,
        media_id: Annotated[str, Path(max_length=64)],
        caller: Annotated[Caller, allow("handler", "department", "operator")],
    ) -> Response:
        """A link to the file as it was sent, for the case's owner and operators; each opening is
        logged."""
        party = party_of(caller)
        case = await _visible(context, case_id, party)
        if not relations(case, party) & {"owner", "operator"}:
            raise Problem(FORBIDDEN)
        if media_id not in {each.id for each in (*case.media, *case.proof)}:
            raise not_found()
        try:
            link = await context.media.link(media_id, case.id, party)
        except MediaUnknown as error:
            raise not_found() from error
        except MediaAway as error:
            raise unavailable(RETRY_AFTER_S) from error
        return Response(link, 201, media_type="application/json; charset=utf-8")

    return routes


def _family(context: Context, category: str | None) -> str | None:
    if category is None:
        return None
    if context.city.category(category) is None:
        raise invalid_field("category", "没有这个类别", "There is no such category")
    return context.city.family(category)


def _nearest(
    cases: list[Case], at: tuple[float, float], party: Party, crs: Crs
) -> list[dict[str, Any]]:
    """Measured to the place that the caller may see: distances tell no more than places."""
    found = []
    for case in cases:
        away_m = distance_m(*at, *seen_at(case, party))
        if away_m <= NEARBY_M:
            found.append(nearby(case, party, crs) | {"distance_m": round(away_m, 1)})
    return sorted(found, key=lambda each: (each["distance_m"], each["id"]))


async def _visible(context: Context, case_id: UUID, party: Party) -> Case:
    case = await queue_sql.case(context.db, case_id)
    if case is None or not may_see(case, party):
        raise not_found()
    return case


def _line(line: Line, case: Case, party: Party) -> dict[str, Any]:
    hidden = party.role == "reporter" and (
        (line.by_role != "reporter" and line.type in REMARKS)
        or (line.type in FIRST_ONLY and case.reports[0].reporter_id != party.id)
    )
    return {
        "seq": line.seq,
        "type": line.type,
        "at": line.at,
        "by": {"role": line.by_role},
        "state": line.state,
        "reason": line.reason,
        "note": None if hidden else line.note,
    }


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json; charset=utf-8")
