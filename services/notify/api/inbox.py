"""The inbox: pages, read marks, and live."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from contracts.notices import NoticeDelivered
from runtime import sse
from runtime.auth import allow
from runtime.errors import documents, not_found
from runtime.feed import FeedItem
from runtime.http import decode_number, encode_cursor
from runtime.idempotency import Answer
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.notify.adapters import inbox_sql
from services.notify.api.answers import InboxGiven, NoticeGiven
from services.notify.api.context import Context
from services.notify.api.views import inboxes_of, language, live, notice
from services.notify.domain.batch import feed_of

PROBLEMS = documents(401, 403, 404, 422, 503)
Anybody = Annotated[Caller, allow("reporter", "handler", "department", "operator")]
Whose = Annotated[
    str | None,
    Query(
        max_length=100,
        description="Whose inbox: the caller's own, or a shared one that the caller stands for: "
        "`community:<code>`, `department:<code>`, `operators`",
    ),
]
Key = Annotated[str | None, Header(alias="Idempotency-Key")]
FEED_DOCS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Notices as they come"}
}
_decode = msgspec.json.Decoder(NoticeDelivered).decode


def router(context: Context) -> APIRouter:
    """GET /v1/me/inbox, POST /v1/me/inbox/{id}/read, GET /v1/me/stream."""
    routes = APIRouter(route_class=SteadyRoute, tags=["inbox"])

    @routes.get("/v1/me/inbox", response_model=InboxGiven, responses=PROBLEMS)
    async def inbox(
        request: Request,
        caller: Anybody,
        recipient: Whose = None,
        unread: bool = False,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> Response:
        """Notices, the newest first. `unread=true`: only those that were not read."""
        whose = _whose(caller, recipient)
        before = decode_number(cursor) if cursor else None
        spoken = language(request, await inbox_sql.preferences(context.db, caller.sub))
        found = await inbox_sql.page(context.db, whose, before, unread, limit + 1)
        page = {
            "recipient": whose,
            "notices": [notice(each, spoken) for each in found[:limit]],
            "unread": await inbox_sql.unread(context.db, whose),
            "cursor": encode_cursor((found[limit - 1].seq,)) if len(found) > limit else None,
        }
        return Answer.of(200, page).response()

    @routes.post("/v1/me/inbox/{id}/read", response_model=NoticeGiven, responses=PROBLEMS)
    async def read(request: Request, id: UUID, caller: Anybody, key: Key = None) -> Response:
        """Marks a notice as read; again changes nothing. A shared one is read for all."""
        spoken = language(request, await inbox_sql.preferences(context.db, caller.sub))

        async def work(connection: Any) -> Answer:
            item = await inbox_sql.read(connection, id, inboxes_of(caller))
            if item is None:
                raise not_found()
            return Answer.of(200, notice(item, spoken))

        return await context.once(caller.sub, key, ("read", str(id)), work)

    @routes.get("/v1/me/stream", response_class=StreamingResponse, responses=PROBLEMS | FEED_DOCS)
    async def stream(
        request: Request,
        caller: Anybody,
        recipient: Whose = None,
        last_event_id: Annotated[str | None, Header()] = None,
        after: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    ) -> StreamingResponse:
        """Notices live. Begins behind `Last-Event-ID` or `after`; else now. `reset`: too old."""
        whose = _whose(caller, recipient)
        begin = sse.last_event_id(last_event_id)
        spoken = language(request, await inbox_sql.preferences(context.db, caller.sub))

        def render(item: FeedItem) -> bytes:
            return msgspec.json.encode(live(_decode(item.body), spoken))

        return sse.response(
            context.feeds.subscribe(feed_of(whose), after if begin is None else begin),
            render,
            service="notify",
            until=caller.expires_at,
        )

    return routes


def _whose(caller: Caller, recipient: str | None) -> str:
    """The inbox asked for; somebody else's is not there."""
    own = inboxes_of(caller)
    if recipient is None:
        return own[0]
    if recipient not in own:
        raise not_found()
    return recipient
