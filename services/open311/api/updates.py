"""The de-facto extension `servicerequestupdates`: what happened since, and what a client adds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from runtime.errors import Problem, unavailable
from runtime.idempotency import checked_key
from services.open311.adapters.internal import Refused
from services.open311.api.answers import (
    PREFIX,
    REQUEST,
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
from services.open311.api.posting import client_of
from services.open311.api.reading import reading
from services.open311.api.requests import one_known
from services.open311.domain.asking import page
from services.open311.domain.document import Document
from services.open311.domain.faults import faulty
from services.open311.domain.instants import instant, window
from services.open311.domain.remarks import remark, remark_id
from services.open311.domain.telling import update
from services.open311.domain.wording import NEWS

Few = Annotated[str, Query(max_length=200)]
ROOT = "service_request_updates"
_FORM = {
    "type": "object",
    "required": ["api_key", "service_request_id", "description"],
    "properties": {
        name: {"type": "string"}
        for name in (
            "api_key", "jurisdiction_id", "update_id", "service_request_id", "status",
            "description", "updated_datetime", "media_url", "email",
        )
    },
    "additionalProperties": {"type": "string"},
}  # fmt: skip
_BODY = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": _FORM}}}


def router(context: Context) -> APIRouter:
    """GET and POST servicerequestupdates."""
    routes = APIRouter(prefix=PREFIX, route_class=DoorRoute, tags=["open311"])

    @routes.get(
        "/servicerequestupdates.{form}",
        response_class=Response,
        responses=answers("Updates, oldest first", listed("update_id", "service_request_id"))
        | documents(400, 404, 503),
    )
    async def updates(
        request: Request,
        form: Form,
        _: Visitor,
        jurisdiction_id: Jurisdiction = "",
        start_date: Few = "",
        end_date: Few = "",
        number: Annotated[str, Query(alias="page", max_length=20)] = "",
        page_size: Annotated[str, Query(max_length=20)] = "",
    ) -> Response:
        """What happened to cases between two instants, for each request of a case."""
        context.check_jurisdiction(jurisdiction_id.strip())
        dates = start_date.strip(), end_date.strip()
        since, until = window(("start_date", "end_date"), dates, context.clock(), context.zone)
        pages = page({"page": [number], "page_size": [page_size]})
        only = context.rules.publish == "open311"
        found = await context.behind.updates(since, until, list(NEWS), pages, only_open311=only)
        speech = context.speech(request)
        return answered(Document(ROOT, [update(each, speech) for each in found]), form)

    @routes.post(
        "/servicerequestupdates.{form}",
        response_class=Response,
        responses=answers("The update", listed("update_id"))
        | documents(400, 403, 404, 408, 413, 415, 503),
        openapi_extra={"requestBody": _BODY},
    )
    async def add(
        request: Request,
        form: Form,
        _: Visitor,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Response:
        """A remark about a request of the same key's, told to who works on it."""
        header = checked_key(idempotency_key) or ""
        async with reading(request, 0) as sent:
            client = await client_of(context, sent, "")
            said = remark(sent.fields)
            if said.updated_datetime:
                instant(said.updated_datetime, "updated_datetime", context.zone)
            known = await one_known(context, said.service_request_id)
            reporter_id = await context.behind.reporter_of(known.story.id, client.client)
            if reporter_id is None:
                raise Problem(REQUEST)
            key = remark_id(client.client, said, header)
            if known.case is None:
                raise _no_case(known.story.status)
            try:
                await context.behind.remark(known.case.id, reporter_id, said.text, key)
            except Refused as error:
                raise _refused(error) from error
        answer = {"update_id": key, "account_id": None}
        return answered(Document(ROOT, [answer]), form)

    return routes


def _no_case(status: str) -> Exception:
    """Its case comes in a moment, or never."""
    if status in ("accepted", "normalised"):
        return unavailable()
    return faulty(
        "service_request_id", "该请求没有案件，不能补充", "has no case that could be updated"
    )


def _refused(error: Refused) -> Exception:
    if error.status == REQUEST.status:
        return unavailable()  # dispatch knows the case before tracking does: it moved meanwhile
    if error.status == 422:
        return faulty("update_id", "已用于另一条更新", "was used for another update")
    return faulty("service_request_id", "当前状态不能补充", "takes no update in its state")
