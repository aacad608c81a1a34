"""What became of requests: one, many, or the one behind a token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from runtime.errors import Problem
from services.open311.api.answers import (
    PREFIX,
    REQUEST,
    TOKEN,
    DoorRoute,
    Form,
    Jurisdiction,
    Visitor,
    answered,
    answers,
    documents,
    listed,
)
from services.open311.api.context import Context
from services.open311.domain.asking import sought, uuid_of
from services.open311.domain.document import Document
from services.open311.domain.known import Known
from services.open311.domain.telling import request as told
from services.open311.domain.tokens import report_of

Many = Annotated[list[str] | None, Query()]
Few = Annotated[str, Query(max_length=200)]
MEMBERS = ("service_request_id", "status", "service_code", "requested_datetime")


def router(context: Context) -> APIRouter:
    """GET requests, requests/{id}, tokens/{token}."""
    routes = APIRouter(prefix=PREFIX, route_class=DoorRoute, tags=["open311"])

    @routes.get(
        "/requests.{form}",
        response_class=Response,
        responses=answers("Requests, newest first", listed(*MEMBERS)) | documents(400, 404, 503),
    )
    async def requests(
        request: Request,
        form: Form,
        _: Visitor,
        jurisdiction_id: Jurisdiction = "",
        service_request_id: Many = None,
        service_code: Many = None,
        start_date: Few = "",
        end_date: Few = "",
        status: Many = None,
        updated_after: Few = "",
        updated_before: Few = "",
        q: Few = "",
        page: Few = "",
        page_size: Few = "",
        extensions: Few = "",
    ) -> Response:
        """By id, or by service, state, dates and words; at most 90 days and 1000 requests."""
        context.check_jurisdiction(jurisdiction_id.strip())
        values = _values(request)
        asked = sought(values, context.speaker())
        found = await context.behind.requests(asked)
        shown = [each for each in found if _published(context, each)]
        return _answer(context, request, form, shown, extended=asked["lines"])

    @routes.get(
        "/requests/{service_request_id}.{form}",
        response_class=Response,
        responses=answers("A list of one", listed(*MEMBERS)) | documents(400, 404, 503),
    )
    async def request_by_id(
        request: Request,
        service_request_id: str,
        form: Form,
        _: Visitor,
        jurisdiction_id: Jurisdiction = "",
        extensions: Few = "",
    ) -> Response:
        """From the moment when the POST was answered."""
        context.check_jurisdiction(jurisdiction_id.strip())
        extended = sought({"extensions": [extensions]}, context.speaker())["lines"]
        known = await one_known(context, service_request_id, lines=extended)
        return _answer(context, request, form, [known], extended=extended)

    @routes.get(
        "/tokens/{token}.{form}",
        response_class=Response,
        responses=answers("A list of one", listed("service_request_id", "token"))
        | documents(400, 404, 503),
    )
    async def token_behind(
        token: str, form: Form, _: Visitor, jurisdiction_id: Jurisdiction = ""
    ) -> Response:
        """The id once the report was read; empty until then: ask again in some seconds."""
        context.check_jurisdiction(jurisdiction_id.strip())
        report_id = report_of(token)
        known = await context.behind.one(str(report_id)) if report_id else None
        if known is None:
            raise Problem(TOKEN)
        ready = known.story.status != "accepted" or known.case is not None
        answer = {"service_request_id": known.story.id if ready else None, "token": token}
        return answered(Document("service_requests", [answer]), form)

    return routes


async def one_known(context: Context, text: str, *, lines: bool = False) -> Known:
    """The request with that id. Raises 404."""
    report_id = uuid_of(text)
    known = await context.behind.one(str(report_id), lines=lines) if report_id else None
    if known is None or not _published(context, known):
        raise Problem(REQUEST)
    return known


def _published(context: Context, known: Known) -> bool:
    return context.rules.publish == "all" or known.origin is not None


def _values(request: Request) -> dict[str, list[str]]:
    query = request.query_params
    return {name: query.getlist(name) for name in query}


def _answer(
    context: Context, request: Request, form: Form, found: list[Known], *, extended: bool
) -> Response:
    speech = context.speech(request)
    shown = [told(each, speech, extended=extended) for each in found]
    return answered(Document("service_requests", shown), form)
