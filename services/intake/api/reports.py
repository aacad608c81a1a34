"""Reports come in: one, many, or the answer to "where?"."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Request, Response
from fastapi.exceptions import RequestValidationError

from runtime.auth import allow
from runtime.errors import INVALID, UNSUPPORTED, Language, Problem, invalid_field, language_of
from runtime.idempotency import checked_key
from runtime.requests import MOST_BYTES
from runtime.tokens import Caller
from services.intake.api.accepting import accept
from services.intake.api.bodies import (
    BatchBody,
    BatchGiven,
    BatchItem,
    PlaceBody,
    ReportBody,
    ReportGiven,
    inlined,
)
from services.intake.api.context import Context
from services.intake.api.floods import hold_back
from services.intake.api.forms import FORM_OVERHEAD_BYTES, form_schema, from_form
from services.intake.api.place import answer_place
from services.intake.api.problems import PatientRoute, documents
from services.intake.api.reading import (
    field_errors,
    from_json,
    kind_of_body,
    whole,
)

IdempotencyKey = Annotated[str | None, Header()]
Reporter = Annotated[Caller, allow("reporter")]

_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": inlined(ReportBody)},
        "multipart/form-data": {"schema": form_schema()},
    },
}


def router(context: Context) -> APIRouter:
    """POST /v1/reports, /v1/reports/batch and /v1/reports/{id}/place."""
    routes = APIRouter(route_class=PatientRoute, tags=["reports"])
    limits = context.city.limits
    most_form_bytes = (
        limits.photos_per_report * limits.photo_bytes + limits.voice_bytes + FORM_OVERHEAD_BYTES
    )

    @routes.post(
        "/v1/reports",
        status_code=202,
        response_model=ReportGiven,
        responses=documents(401, 403, 408, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": _BODY, MOST_BYTES: most_form_bytes},
    )
    async def report(
        request: Request, caller: Reporter, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """One photo, one voice note or one sentence is enough. Durable when it answers 202."""
        context.need_room()
        await hold_back(context, "report", request, caller)
        key, language = checked_key(idempotency_key), _language(request)
        kind = kind_of_body(request)
        if kind == "multipart/form-data":
            form, media = await from_form(context, caller.sub, request)
            answer = await accept(context, caller.sub, language, form, media, key)
        elif kind in ("application/json", ""):
            body = from_json(ReportBody, await whole(request, limits.json_bytes))
            answer = await accept(context, caller.sub, language, body, (), key)
        else:
            raise Problem(UNSUPPORTED, zh="请用 JSON 或表单", en="Send JSON or a form")
        return answer.response()

    @routes.post(
        "/v1/reports/batch",
        response_model=BatchGiven,
        response_model_exclude_none=True,
        responses=documents(401, 403, 413, 422, 429, 503),
    )
    async def batch(
        request: Request,
        body: BatchBody,
        caller: Reporter,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Up to 50 reports, answered one by one; an item without a key uses the request's."""
        key = checked_key(idempotency_key)
        if len(body.reports) > limits.batch_reports:
            most = limits.batch_reports
            raise invalid_field("reports", f"最多 {most} 条", f"At most {most}")
        await hold_back(context, "report", request, caller, len(body.reports))
        language = _language(request)
        items = (
            _item(context, caller.sub, language, item, f"{key[:190]}/{number}" if key else None)
            for number, item in enumerate(body.reports)
        )
        return {"results": await asyncio.gather(*items)}

    @routes.post(
        "/v1/reports/{report_id}/place",
        status_code=202,
        response_model=ReportGiven,
        responses=documents(401, 403, 404, 409, 413, 422, 503),
    )
    async def place(
        report_id: UUID, body: PlaceBody, caller: Reporter, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Answers "where?". 409 when the report does not wait for a place."""
        key = checked_key(idempotency_key)
        return (await answer_place(context, caller.sub, report_id, body.sent(), key)).response()

    return routes


async def _item(
    context: Context,
    reporter_id: str,
    language: Language,
    item: dict[str, Any],
    key: str | None,
) -> dict[str, Any]:
    try:
        body = from_json(BatchItem, msgspec.json.encode(item))
        answer = await accept(context, reporter_id, language, body, key=body.idempotency_key or key)
    except RequestValidationError as error:
        problem = Problem(INVALID, errors=field_errors(error))
        return {"status": problem.kind.status, "problem": problem.body(language)}
    except Problem as problem:
        return {"status": problem.kind.status, "problem": problem.body(language)}
    return {"status": answer.status, "report": msgspec.json.decode(answer.body)}


def _language(request: Request) -> Language:
    return language_of(request.headers.get("accept-language", ""))
