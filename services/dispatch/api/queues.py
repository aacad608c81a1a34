"""The queues of communities and departments: pages, and live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse

from contracts.cases import CaseFact
from contracts.submissions import Crs
from contracts.topics import FACT
from runtime import sse
from runtime.auth import allow
from runtime.errors import not_found
from runtime.feed import FeedItem
from runtime.http import decode_cursor, encode_cursor
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.dispatch.adapters import queue_sql
from services.dispatch.adapters.queue_sql import Owner, Position, Sort
from services.dispatch.api.answers import QueueGiven
from services.dispatch.api.bodies import NO_NUL
from services.dispatch.api.context import Context, documents
from services.dispatch.api.views import full, party_of
from services.dispatch.domain.changing import ME, NOBODY
from services.dispatch.domain.parties import Party
from services.dispatch.domain.states import OPEN

PROBLEMS = documents(401, 403, 404, 422, 503)
OpenState = Literal[
    "opened", "assigned", "accepted", "in-progress", "suspended", "resolved", "disputed"
]
States = Annotated[list[OpenState] | None, Query(max_length=len(OPEN))]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=400)]
Member = Annotated[str | None, Query(max_length=64, pattern=NO_NUL)]
Handler = Annotated[Caller, allow("handler", "operator")]
Department = Annotated[Caller, allow("department", "operator")]
LastEventId = Annotated[str | None, Header()]
FEED_DOCS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Events of the cases"}
}


class Asked:
    """Which page of a queue, sorted how, for which map."""

    def __init__(
        self,
        state: States = None,
        sort: Sort = "urgency",
        member: Member = None,
        limit: Limit = 50,
        cursor: Cursor = None,
        crs: Crs = "wgs84",
    ) -> None:
        self.state = state
        self.sort = sort
        self.member = member
        self.limit = limit
        self.cursor = cursor
        self.crs = crs


def router(context: Context) -> APIRouter:
    """Queue and stream of a community and of a department."""
    routes = APIRouter(route_class=SteadyRoute, tags=["queues"])

    @routes.get("/v1/communities/{code}/queue", response_model=QueueGiven, responses=PROBLEMS)
    async def community_queue(
        code: str,
        caller: Handler,
        asked: Annotated[Asked, Depends()],
    ) -> Response:
        """Open cases: danger, then clock, then age (`sort=age`: the oldest first). `member`: only
        of one of its people: `me`, `nobody`, or an id."""
        party = _community(context, code, caller)
        return await _page(context, "community", code, party, asked)

    @routes.get(
        "/v1/communities/{code}/stream",
        response_class=StreamingResponse,
        responses=PROBLEMS | FEED_DOCS,
    )
    async def community_stream(
        code: str,
        caller: Handler,
        last_event_id: LastEventId = None,
        after: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        crs: Crs = "wgs84",
    ) -> StreamingResponse:
        """The queue live. Begins behind `Last-Event-ID` or `after`; else now. `reset`: too old."""
        party = _community(context, code, caller)
        return _stream(context, f"community:{code}", caller, party, last_event_id, after, crs)

    @routes.get("/v1/departments/{code}/queue", response_model=QueueGiven, responses=PROBLEMS)
    async def department_queue(
        code: str,
        caller: Department,
        asked: Annotated[Asked, Depends()],
    ) -> Response:
        """The same for the cases that a department owns."""
        party = _department(context, code, caller)
        return await _page(context, "department", code, party, asked)

    @routes.get(
        "/v1/departments/{code}/stream",
        response_class=StreamingResponse,
        responses=PROBLEMS | FEED_DOCS,
    )
    async def department_stream(
        code: str,
        caller: Department,
        last_event_id: LastEventId = None,
        after: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        crs: Crs = "wgs84",
    ) -> StreamingResponse:
        """The same live."""
        party = _department(context, code, caller)
        return _stream(context, f"department:{code}", caller, party, last_event_id, after, crs)

    return routes


def _community(context: Context, code: str, caller: Caller) -> Party:
    party = party_of(caller)
    own = caller.role == "operator" or code in caller.communities
    if code not in context.areas.owners or not own:
        raise not_found()
    return party


def _department(context: Context, code: str, caller: Caller) -> Party:
    party = party_of(caller)
    own = caller.role == "operator" or code in caller.departments
    if code not in context.city.departments or not own:
        raise not_found()
    return party


async def _page(
    context: Context,
    owner: Owner,
    code: str,
    party: Party,
    asked: Asked,
) -> Response:
    after, limit = _position(asked.cursor) if asked.cursor else None, asked.limit
    # Before the rows: what comes meanwhile is seen twice rather than never.
    feed_no = await context.feeds.head(f"{owner}:{code}")
    states: Sequence[str] = asked.state or OPEN
    member = _whose(asked.member, party)
    rows = await queue_sql.queue(
        context.db, owner, code, states, asked.sort, member, after, limit + 1
    )
    now = context.clock()
    cases = [full(case, party, now, context.city, asked.crs) for case, _ in rows[:limit]]
    more = _cursor(rows[limit - 1][1]) if len(rows) > limit else None
    page = {"cases": cases, "cursor": more, "feed_no": feed_no}
    return Response(msgspec.json.encode(page), media_type="application/json; charset=utf-8")


def _whose(member: str | None, party: Party) -> str | None:
    return {ME: party.id, NOBODY: ""}.get(member, member) if member else None


def _cursor(position: Position) -> str:
    return encode_cursor(
        (
            position.rank,
            position.queue_by.isoformat(),
            position.opened_at.isoformat(),
            str(position.id),
        )
    )


def _position(cursor: str) -> Position:
    return Position(*decode_cursor(cursor, int, datetime, datetime, UUID))


def _stream(
    context: Context,
    feed: str,
    caller: Caller,
    party: Party,
    last_event_id: str | None,
    after: int | None,
    crs: Crs,
) -> StreamingResponse:
    begin = sse.last_event_id(last_event_id)
    return sse.response(
        context.feeds.subscribe(feed, after if begin is None else begin),
        _renderer(context, party, crs),
        service="dispatch",
        until=caller.expires_at,
    )


def _renderer(context: Context, party: Party, crs: Crs) -> Callable[[FeedItem], bytes]:
    def render(item: FeedItem) -> bytes:
        fact = msgspec.json.decode(item.body, type=FACT[item.type])
        assert isinstance(fact, CaseFact)
        case = full(fact.case, party, context.clock(), context.city, crs)
        told = {
            "type": item.type,
            "event_id": item.event_id,
            "by": {"role": fact.by.role},
            "reason": fact.reason,
            "note": fact.note,
            "case": case,
        }
        return msgspec.json.encode(told)

    return render
