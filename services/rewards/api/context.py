"""What rewards' routes work with, opened and closed with the application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.routing import APIRoute

from contracts.city import City
from runtime.db import Database, is_transient
from runtime.errors import Problem, unavailable
from runtime.outbox import Bell
from services.rewards.settings import Settings


def utc_now() -> datetime:
    """The clock of this process, for answers only; what is decided uses the database's."""
    return datetime.now(UTC)


class Context:
    """`async with context.open()`; before that there is no database."""

    db: Database
    bell: Bell

    def __init__(
        self, settings: Settings, *, city: City, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.settings = settings
        self.city = city
        self.zone = ZoneInfo(city.timezone)
        self.clock = clock

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connects to PostgreSQL."""
        own = self.settings.own
        self.db = await Database.connect(own.database_url, schema="rewards", size=own.pool_size)
        self.bell = Bell(self.db)
        try:
            yield
        finally:
            await self.db.close()


class SteadyRoute(APIRoute):
    """While the database is away the answer is 503 with Retry-After."""

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
                if is_transient(error):
                    raise unavailable() from error
                raise

        return answer
