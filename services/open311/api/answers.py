"""Answers in the format that the path's suffix names, errors too."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, Response

from runtime.auth import allow
from runtime.errors import (
    INVALID,
    NOT_FOUND,
    FieldError,
    Language,
    Problem,
    declare,
    language_of,
    speak,
    unavailable,
)
from runtime.steady import SteadyRoute
from runtime.tokens import Caller
from services.open311.adapters.internal import Away
from services.open311.domain.document import MEDIA_TYPES, Document, Format
from services.open311.domain.faults import Faulty

PREFIX = "/open311/v2"
BAD_REQUEST = 400
UNPROCESSABLE = 422

BAD_KEY = declare("open311-key", 403, "api_key 无效", "Missing or invalid api_key")
SUSPENDED = declare(
    "open311-suspended", 403, "该人员暂不能上报", "This person may not report for now"
)
JURISDICTION = declare(
    "open311-jurisdiction", 404, "没有这个 jurisdiction_id", "jurisdiction_id was not found"
)
SERVICE = declare("open311-service", 404, "没有这个 service_code", "service_code was not found")
REQUEST = declare(
    "open311-request", 404, "没有这个 service_request_id", "service_request_id was not found"
)
TOKEN = declare("open311-token", 404, "没有这个 token", "token was not found")
TOO_SLOW = declare("open311-too-slow", 408, "请求传输太慢", "The request came too slowly")

Visitor = Annotated[Caller | None, allow("public")]
Jurisdiction = Annotated[str, Query(max_length=200)]

_TEXT: dict[str, Any] = {"type": "string"}
_ERRORS: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["code", "description"],
        "properties": {"code": {"type": "integer"}, "description": _TEXT},
    },
}
_MEANINGS = {
    400: "A parameter is missing or wrong",
    403: "The api_key is missing or wrong, or its person may not report for now",
    404: "There is no such jurisdiction, service, request or token",
    408: "The request came too slowly",
    413: "The request is too large",
    415: "A compressed request",
    429: "Too many requests, with Retry-After",
    503: "Temporarily unavailable, with Retry-After",
}


def documents(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses`: Open311's errors for these statuses."""
    content = {"text/xml": {"schema": _TEXT}, "application/json": {"schema": _ERRORS}}
    return {each: {"description": _MEANINGS[each], "content": content} for each in statuses}


def answers(kind: str, schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses`: a good answer in both formats."""
    content = {"text/xml": {"schema": _TEXT}, "application/json": {"schema": schema}}
    return {200: {"description": kind, "content": content}}


def listed(*members: str) -> dict[str, Any]:
    """The JSON schema of a bare list of objects that have these members."""
    item = {"type": "object", "required": list(members)}
    return {"type": "array", "items": item}


def form_of(request: Request) -> Format:
    """By the suffix alone; XML for a path without one."""
    return "json" if request.url.path.endswith(".json") else "xml"


async def _suffix(form: Literal["xml", "json"]) -> Format:
    return form


Form = Annotated[Format, Depends(_suffix)]


def answered(document: Document, form: Format, headers: dict[str, str] | None = None) -> Response:
    """200 in that format."""
    return Response(document.encoded(form), media_type=MEDIA_TYPES[form], headers=headers)


def spoken(problem: Problem, request: Request) -> Response:
    """A problem as Open311's list of errors; English unless the client asks for Chinese."""
    asked = request.headers.get("accept-language", "")
    language: Language = language_of(asked) if asked else "en"
    status = problem.kind.status
    status = BAD_REQUEST if status == UNPROCESSABLE else status
    errors = [{"code": status, "description": each} for each in _descriptions(problem, language)]
    form = form_of(request)
    return Response(
        Document("errors", errors).encoded(form),
        status_code=status,
        media_type=MEDIA_TYPES[form],
        headers={"Content-Language": language} | problem.headers,
    )


def _descriptions(problem: Problem, language: Language) -> list[str]:
    body = problem.body(language)
    if errors := body.get("errors"):
        return [f"{each['field']}: {each['detail']}" for each in errors]
    return [body.get("detail") or body["title"]]


speak(f"{PREFIX}/", spoken)


class DoorRoute(SteadyRoute):
    """Faults are 400; a service behind that does not answer is 503; a wrong suffix is 404."""

    retry_after_s = {Away: 2}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The steady one inside."""
        inner = super().get_route_handler()

        async def answer(request: Request) -> Response:
            if request.path_params.get("form") not in (None, "xml", "json"):
                raise Problem(NOT_FOUND)
            try:
                return await inner(request)
            except Faulty as error:
                found = [FieldError(each.field, each.zh, each.en) for each in error.faults]
                raise Problem(INVALID, errors=found) from error
            except Away as error:
                raise unavailable() from error

        return answer
