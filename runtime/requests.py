"""What happens round every request: trace, security headers, measures, no compressed bodies."""

from __future__ import annotations

import time
from collections.abc import Iterable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime import metrics
from runtime.errors import TOO_LARGE, UNSUPPORTED, Problem
from runtime.tracing import is_traceparent, new_traceparent, traceparent

_SECURITY: Iterable[tuple[bytes, bytes]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


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

        replaced = False

        async def sending(message: Message) -> None:
            nonlocal status, replaced
            if replaced:
                return
            if message["type"] == "http.response.start":
                status = message["status"]
                if _is_plain_413(message):
                    await Problem(TOO_LARGE).response(request)(scope, receive, sending)
                    replaced = True
                    return
                message["headers"] = [*message.get("headers", ()), *_missing(message)]
            await send(message)

        try:
            if _is_compressed(request):
                problem = Problem(UNSUPPORTED, zh="请求不要压缩", en="Send requests uncompressed")
                await problem.response(request)(scope, receive, sending)
            else:
                await self._app(scope, receive, sending)
        finally:
            _measure(scope, status, time.perf_counter() - started)


def _is_compressed(request: Request) -> bool:
    # Nobody reads a body that comes with a GET.
    if request.method in ("GET", "HEAD"):
        return False
    return request.headers.get("content-encoding", "identity") != "identity"


def _is_plain_413(message: Message) -> bool:
    # Starlette's body limit answers in plain text.
    if message["status"] != 413:
        return False
    kind: bytes = dict(message.get("headers", ())).get(b"content-type", b"")
    return kind.startswith(b"text/plain")


def _missing(message: Message) -> list[tuple[bytes, bytes]]:
    there = {name.lower() for name, _ in message.get("headers", ())}
    return [(name, value) for name, value in _SECURITY if name not in there]


def _measure(scope: Scope, status: int, seconds: float) -> None:
    route = scope.get("route")
    template = str(getattr(route, "path", "")) or "unmatched"
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    metrics.HTTP_REQUESTS_TOTAL.labels(template, method, str(status)).inc()
    metrics.HTTP_SECONDS.labels(template, method).observe(seconds)


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
