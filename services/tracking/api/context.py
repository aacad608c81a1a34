"""What tracking's routes work with, opened and closed with the application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from cities.live import Live, OfCityAndAreas
from runtime.db import Database
from services.tracking.adapters.city import Known
from services.tracking.adapters.intake_client import IntakeReports, Newest
from services.tracking.adapters.stats_sql import Stats
from services.tracking.settings import Settings


def utc_now() -> datetime:
    """The clock of this process, for answers only."""
    return datetime.now(UTC)


class Context(OfCityAndAreas[Known]):
    """`async with context.open()`; before that there is no database."""

    db: Database
    newest: Newest

    def __init__(
        self,
        settings: Settings,
        live: Live[Known],
        *,
        newest: Newest | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.live = live
        self.clock = clock
        self.stats = Stats()
        self._given_newest = newest

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connects to PostgreSQL."""
        own = self.settings.own
        self.db = await Database.connect(own.database_url, schema="tracking", size=own.pool_size)
        intake = IntakeReports(self.settings.common.internal_url, own.service_key)
        self.newest = self._given_newest or intake
        try:
            async with self.live.following():
                yield
        finally:
            await intake.close()
            await self.db.close()
