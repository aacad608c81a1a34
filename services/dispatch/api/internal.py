"""What other services ask dispatch, by keys of their own; never through the edge."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from runtime.auth import allow
from runtime.http import Body
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.dispatch.api.acting import Request, act
from services.dispatch.api.bodies import NO_NUL, Comment
from services.dispatch.api.context import Context, documents
from services.dispatch.domain.parties import Party

MOST_NOTE = 4000


class Remark(Body):
    """What a reporter says about a case through another door."""

    reporter_id: UUID
    note: Annotated[str, Field(min_length=1, max_length=MOST_NOTE, pattern=NO_NUL)]
    idempotency_key: Annotated[str, Field(min_length=1, max_length=200)]


def router(context: Context) -> APIRouter:
    """/internal/v1/cases/{id}/comment."""
    routes = APIRouter(prefix="/internal/v1", route_class=SteadyRoute, tags=["internal"])

    @routes.post("/cases/{case_id}/comment", responses=documents(401, 403, 404, 409, 413, 422, 503))
    async def comment(
        case_id: UUID, body: Remark, _: Annotated[Caller, allow("service")]
    ) -> Response:
        """The reporter's remark; 404 when the case is not theirs, 409 when it takes none."""
        party = Party("reporter", str(body.reporter_id))
        remark = Comment.model_construct(note=body.note)
        request = Request(party, case_id, "comment", remark, body.idempotency_key, "wgs84")
        return (await act(context, request)).response()

    return routes
