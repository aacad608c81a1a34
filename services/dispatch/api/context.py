"""What dispatch's routes work with, opened and closed with the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from cities.live import Live, OfCityAndAreas
from runtime import errors
from runtime.db import Database
from runtime.errors import SUSPENDED, declare
from runtime.feed import FeedReader
from runtime.outbox import Bell
from runtime.tasks import end
from services.dispatch.adapters.city import Known
from services.dispatch.adapters.media_client import IntakeMedia, MediaSource
from services.dispatch.settings import Settings

STALE = declare(
    "stale-revision",
    409,
    "案件已被他人更新，请按最新状态再试",
    "The case has changed meanwhile: look at its current state",
)
documents = partial(errors.documents, own=(STALE, SUSPENDED))


def utc_now() -> datetime:
    """The clock of this process, for answers only; what is decided uses the database's."""
    return datetime.now(UTC)


class Context(OfCityAndAreas[Known]):
    """`async with context.open()`; before that there is no database."""

    db: Database
    bell: Bell
    feeds: FeedReader

    def __init__(
        self,
        settings: Settings,
        live: Live[Known],
        *,
        media: MediaSource | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.live = live
        self.clock = clock
        self._given_media = media

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connects to PostgreSQL and follows the feeds."""
        own = self.settings.own
        self.db = await Database.connect(own.database_url, schema="dispatch", size=own.pool_size)
        self.bell = Bell(self.db)
        self.feeds = FeedReader(self.db)
        intake = IntakeMedia(self.settings.common.internal_url, own.service_key)
        self.media: MediaSource = self._given_media or intake
        following = asyncio.create_task(self.feeds.run())
        try:
            async with self.live.following():
                yield
        finally:
            await end(following)
            await intake.close()
            await self.db.close()
