"""What happens round every request: trace, security headers, measures, limits of bodies."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from functools import cache

from prometheus_client import Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime import metrics
from runtime.errors import UNSUPPORTED, Problem
from runtime.tracing import is_traceparent, new_traceparent, traceparent

_SECURITY: Iterable[tuple[bytes, bytes]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


LENGTH = re.compile(r"[0-9]{1,18}")
JSON_LIMIT_BYTES = 256 * 1024
MOST_BYTES = "x-max-body-bytes"
"""In a route's `openapi_extra`: the limit of its bodies instead of JSON_LIMIT_BYTES."""


class Requests:
    """Pure ASGI, so that streams stay streams."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        request = Request(scope)
        sent = request.headers.get("traceparent", "")
        traceparent.set(sent if is_traceparent(sent) else new_traceparent())

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_missing(message)]
            await send(message)

        try:
            if _is_compressed(request):
                problem = Problem(UNSUPPORTED, zh="请求不要压缩", en="Send requests uncompressed")
                await problem.response(request)(scope, receive, sending)
            else:
                await self._app(scope, _limited(request, scope, receive), sending)
        finally:
            _measure(scope, status, time.perf_counter() - started)


def _is_compressed(request: Request) -> bool:
    # Nobody reads a body that comes with a GET.
    if request.method in ("GET", "HEAD"):
        return False
    return request.headers.get("content-encoding", "identity") != "identity"


def _limited(request: Request, scope: Scope, receive: Receive) -> Receive:
    """Raises 413 when the route reads more than it may; `receive` itself for what is small.

    The server holds a body to the length that its head gives; without one, bytes are counted.
    """
    sent = request.headers.get("content-length", "")
    counted = "transfer-encoding" in request.headers or not LENGTH.fullmatch(sent)
    length = None if counted else int(sent)
    if length is not None and length <= JSON_LIMIT_BYTES:
        return receive
    total = length or 0

    async def receiving() -> Message:
        nonlocal total
        if total > _most_bytes(scope):
            raise HTTPException(413)
        message = await receive()
        if length is None:
            total += len(message.get("body", b""))
            if total > _most_bytes(scope):
                raise HTTPException(413)
        return message

    return receiving


def _most_bytes(scope: Scope) -> int:
    extra = getattr(scope.get("route"), "openapi_extra", None) or {}
    return int(extra.get(MOST_BYTES, JSON_LIMIT_BYTES))


def _missing(message: Message) -> list[tuple[bytes, bytes]]:
    there = {name.lower() for name, _ in message.get("headers", ())}
    return [(name, value) for name, value in _SECURITY if name not in there]


def _measure(scope: Scope, status: int, seconds: float) -> None:
    route = scope.get("route")
    template = str(getattr(route, "path", "")) or "unmatched"
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    count, times = _measures(template, method, status)
    count.inc()
    times.observe(seconds)


@cache
def _measures(template: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once; there are few: templates, methods and statuses are ours."""
    count = metrics.HTTP_REQUESTS_TOTAL.labels(template, method, str(status))
    return count, metrics.HTTP_SECONDS.labels(template, method)


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
