"""What rewards' routes work with, opened and closed with the application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cities.live import Live
from contracts.city import City
from runtime.db import Database
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
        self, settings: Settings, live: Live[City], *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.settings = settings
        self.live = live
        self.clock = clock

    @property
    def city(self) -> City:
        """As it is now."""
        return self.live.now

    @property
    def zone(self) -> ZoneInfo:
        """Of the city."""
        return ZoneInfo(self.city.timezone)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connects to PostgreSQL."""
        own = self.settings.own
        self.db = await Database.connect(own.database_url, schema="rewards", size=own.pool_size)
        self.bell = Bell(self.db)
        try:
            async with self.live.following():
                yield
        finally:
            await self.db.close()
