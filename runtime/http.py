"""One FastAPI application of one or several services: problems, limits, headers, roles, order."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from runtime import errors, openapi
from runtime.auth import Auth, check_roles
from runtime.errors import FieldError, Problem, invalid_field
from runtime.requests import JSON_LIMIT_BYTES, Requests


@dataclass(frozen=True)
class ServiceApi:
    """What a service offers over HTTP; `lifespan` opens and closes what its routes need."""

    service: str
    public: APIRouter
    internal: APIRouter | None
    lifespan: Callable[[], AbstractAsyncContextManager[None]]


class Body(BaseModel):
    """The base of request bodies: unknown fields are refused, types are not guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def create_app(
    routers: Sequence[APIRouter],
    *,
    title: str,
    auth: Auth,
    local: bool,
    lifespans: Sequence[Callable[[], AbstractAsyncContextManager[None]]] = (),
    version: str = "1",
) -> FastAPI:
    """The application. Raises RuntimeError for a route without a declared role."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for each in lifespans:
                await stack.enter_async_context(each())
            yield

    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        docs_url="/docs" if local else None,
        redoc_url=None,
        openapi_url="/openapi.json" if local else None,
    )
    app.state.auth = auth
    # Before FastAPI's own, and not included as a router: that would be matched twice a request.
    app.router.routes[:0] = _in_order(routers)
    app.add_middleware(Requests)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unexpected)
    described = openapi.schema(app, JSON_LIMIT_BYTES)
    app.openapi = lambda: described  # type: ignore[method-assign]
    check_roles(app)
    return app


def _in_order(routers: Sequence[APIRouter]) -> list[BaseRoute]:
    """All routes, literal paths before parameters.

    They are tried one after the other, which is a quarter of what a report costs: of the literal
    paths, which no other can shadow, short ones and writes come first.
    """
    return sorted((route for router in routers for route in router.routes), key=_order)


def _order(route: BaseRoute) -> tuple[bool, int, bool, list[tuple[int, str]]]:
    path = str(getattr(route, "path", ""))
    parts = path.split("/")
    specificity = [(1, "") if part.startswith("{") else (0, part) for part in parts]
    if "{" in path:
        return True, 0, False, specificity
    reads = "POST" not in (getattr(route, "methods", None) or ())
    return False, len(parts), reads, specificity


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response(request)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        FieldError(
            ".".join(str(part) for part in each["loc"] if part not in ("body", "query", "path")),
            _chinese(each),
            str(each["msg"]),
        )
        for each in error.errors()[:50]
    ]
    return Problem(errors.INVALID, errors=found).response(request)


_CHINESE = {
    "missing": "必填",
    "extra_forbidden": "未知字段",
    "json_invalid": "不是有效的 JSON",
    "string_too_long": "太长",
    "string_too_short": "太短",
    "too_long": "太多",
    "too_short": "太少",
    "greater_than_equal": "太小",
    "less_than_equal": "太大",
    "enum": "不在可选范围内",
    "literal_error": "不在可选范围内",
}


def _chinese(error: Any) -> str:
    kind = str(error.get("type", ""))
    if kind in _CHINESE:
        return _CHINESE[kind]
    return "类型不对" if kind.endswith(("_type", "_parsing")) else "内容不对"


_BY_STATUS = {
    401: errors.UNAUTHORIZED,
    403: errors.FORBIDDEN,
    404: errors.NOT_FOUND,
    405: errors.METHOD,
    413: errors.TOO_LARGE,
    415: errors.UNSUPPORTED,
    429: errors.TOO_MANY,
    503: errors.UNAVAILABLE,
}


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, errors.INVALID)
    return Problem(kind, headers=error.headers).response(request)


async def _unexpected(request: Request, _: Exception) -> Response:
    return Problem(errors.INTERNAL).response(request)


_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,400}")


def encode_cursor(position: Sequence[Any]) -> str:
    """An opaque text for a position in a list."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode()


def decode_cursor(cursor: str, *types: type) -> list[Any]:
    """The position in a cursor, as values of these types. Raises 422 for one that is not ours."""
    bad = _no_cursor_of_ours()
    if not _CURSOR.fullmatch(cursor):
        raise bad
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=list[Any])
        if len(values) != len(types):
            raise bad
        return [msgspec.convert(v, t) for v, t in zip(values, types, strict=True)]
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise bad from error


def decode_number(cursor: str, least: int = 1, most: int = 2**63 - 1) -> int:
    """The number in a cursor, both bounds included. Raises 422 for one that is not ours."""
    number = int(decode_cursor(cursor, int)[0])
    if not least <= number <= most:
        raise _no_cursor_of_ours()
    return number


def _no_cursor_of_ours() -> Problem:
    return invalid_field("cursor", "游标无效", "This cursor is not one that a list gave")
