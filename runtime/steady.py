"""The route class of every service: what is away for now is 503, never 500."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from runtime.db import is_transient
from runtime.errors import Problem, unavailable


class SteadyRoute(APIRoute):
    """While the database is away the answer is 503 with Retry-After.

    `retry_after_s`: further exceptions that pass by themselves, and after how many seconds.
    """

    retry_after_s: ClassVar[Mapping[type[Exception], int]] = {}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler inside."""
        inner = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await inner(request)
            except Problem:
                raise
            except Exception as error:
                # Passes by itself or not: only the first is a 503.
                if type(error) in self.retry_after_s:
                    raise unavailable(self.retry_after_s[type(error)]) from error
                if is_transient(error):
                    raise unavailable() from error
                raise

        return answer
