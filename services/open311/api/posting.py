"""A new request: key first, then everything that is wrong at once, then intake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from starlette.datastructures import UploadFile

from runtime.errors import INVALID, TOO_LARGE, TOO_MANY, FieldError, Problem
from runtime.idempotency import checked_key
from runtime.requests import MOST_BYTES
from services.open311.adapters.behind import Client
from services.open311.adapters.internal import Refused
from services.open311.api.answers import (
    BAD_KEY,
    PREFIX,
    SERVICE,
    SUSPENDED,
    DoorRoute,
    Form,
    Visitor,
    answered,
    answers,
    documents,
    listed,
)
from services.open311.api.context import Context
from services.open311.api.reading import MOST_FILES, Sent, reading
from services.open311.domain.document import Document
from services.open311.domain.faults import faulty
from services.open311.domain.sending import Posted, given, person, posted, repeat_key
from services.open311.domain.tokens import token_of

BLOCK_BYTES = 64 * 1024
FORM_OVERHEAD_BYTES = 1024 * 1024
IdempotencyKey = Annotated[str | None, Header()]

_NAMES = (
    "api_key", "jurisdiction_id", "service_code", "lat", "long", "address_string", "address_id",
    "description", "email", "device_id", "account_id", "first_name", "last_name", "phone",
    "media_url",
)  # fmt: skip
_FORM = {
    "type": "object",
    "required": ["api_key", "service_code"],
    "properties": {name: {"type": "string"} for name in _NAMES},
    "additionalProperties": {"type": "string"},
}
BODY = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {"schema": _FORM},
        "multipart/form-data": {"schema": _FORM},
    },
}


def router(context: Context) -> APIRouter:
    """POST requests."""
    routes = APIRouter(prefix=PREFIX, route_class=DoorRoute, tags=["open311"])
    limits = context.city.limits
    most_bytes = MOST_FILES * limits.photo_bytes + FORM_OVERHEAD_BYTES

    @routes.post(
        "/requests.{form}",
        response_class=Response,
        responses=answers("The new request", listed())
        | documents(400, 403, 404, 408, 413, 415, 429, 503),
        openapi_extra={"requestBody": BODY, MOST_BYTES: most_bytes},
    )
    async def post(
        request: Request, form: Form, _: Visitor, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Durable when it answers 200; the same request again is answered with the same id."""
        header = checked_key(idempotency_key) or ""
        async with reading(request, limits.photos_per_report) as sent:
            client = await client_of(context, sent, person(sent.fields))
            report_id = await _taken(context, client, sent, header)
        return answered(Document("service_requests", [_given(context, report_id)]), form)

    return routes


async def client_of(context: Context, sent: Sent, who: str) -> Client:
    """Whose key came with the form or its URL. Raises 403 for nobody's, 404 for a jurisdiction."""
    key = given(sent.fields, "api_key")
    client = await context.behind.client(key, who, sent.language) if key else None
    if client is None:
        raise Problem(BAD_KEY)
    context.check_jurisdiction(given(sent.fields, "jurisdiction_id"))
    return client


async def _taken(context: Context, client: Client, sent: Sent, header: str) -> str:
    """The id of the report. Raises 400, 404, 413."""
    code = given(sent.fields, "service_code")
    if not code:
        raise faulty("service_code", "必填", "is required")
    category = context.city.category(code)
    if category is None:
        raise Problem(SERVICE)
    report = posted(sent.fields, category, required=context.rules.require_attributes)
    media: dict[str, str] = {}
    for name, file in sent.files:
        media.setdefault(await _photo(context, client, name, file), name)
    private = [each for each, name in media.items() if name.startswith("photo")]
    repeat = repeat_key(client.client, sent.fields, header, list(media))
    return await _report(context, client, report, media, private, repeat, sent)


async def _photo(context: Context, client: Client, name: str, file: UploadFile) -> str:
    try:
        return await context.behind.photo(client, _blocks(file))
    except Refused as error:
        if error.status == TOO_LARGE.status:
            raise Problem(TOO_LARGE) from error
        if passing := _of_the_person(error):
            raise passing from error
        raise faulty(name[:80], "不是可读取的照片", "is not a photo that can be read") from error


async def _report(
    context: Context,
    client: Client,
    report: Posted,
    media: dict[str, str],
    private: list[str],
    repeat: tuple[str, int],
    sent: Sent,
) -> str:
    try:
        return await context.behind.report(
            client, report, list(media), private, repeat, sent.language
        )
    except Refused as error:
        if passing := _of_the_person(error):
            raise passing from error
        told: list[Any] = [
            FieldError(each.field, each.detail, each.detail) for each in error.problem.errors
        ]
        title = error.problem.title
        raise Problem(INVALID, zh=title, en=title, errors=told) from error


def _of_the_person(error: Refused) -> Problem | None:
    """What intake says of who reports, not of what is in the report."""
    if error.status == SUSPENDED.status:
        return Problem(SUSPENDED)
    if error.status == TOO_MANY.status:
        return Problem(TOO_MANY, headers={"Retry-After": error.retry_after or "1"})
    return None


def _given(context: Context, report_id: str) -> dict[str, Any]:
    if context.rules.tokens:
        return {"token": token_of(report_id)}
    return {"service_request_id": report_id, "service_notice": None, "account_id": None}


async def _blocks(file: UploadFile) -> AsyncIterator[bytes]:
    while block := await file.read(BLOCK_BYTES):
        yield block
