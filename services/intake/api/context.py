"""What intake's routes work with, opened and closed with the application."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from cities.live import Live, OfCityAndAreas
from contracts.staff import StaffTable
from runtime.db import Database
from runtime.errors import unavailable
from runtime.gathering import Gathering
from runtime.outbox import Bell
from runtime.producer import Producer
from runtime.send_now import SendNow
from runtime.tasks import end
from runtime.tokens import SigningKey
from services.intake.adapters.accept_sql import Accepting, Outcome, accepts
from services.intake.adapters.city import Known
from services.intake.adapters.media_store import MediaStore
from services.intake.adapters.oidc import Oidc
from services.intake.adapters.photos.processor import PhotoProcessor
from services.intake.domain.codes import CODE_BITS, RANDOM_BITS, report_code, uuid7
from services.intake.domain.report import Rules
from services.intake.settings import Settings

ROOM_POLL_S = 2.0
FULL_RETRY_S = 60


def utc_now() -> datetime:
    """The clock of this process."""
    return datetime.now(UTC)


class Context(OfCityAndAreas[Known]):
    """`async with context.open()`; before that there is no database and no decoder."""

    db: Database
    accepts: Gathering[Accepting, Outcome]
    bell: Bell
    send_now: SendNow
    photos: PhotoProcessor

    def __init__(
        self,
        settings: Settings,
        live: Live[Known],
        *,
        key: SigningKey,
        store: MediaStore,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.live = live
        self.key = key
        self.store = store
        self.wechat = settings.wechat()
        self.oidc = Oidc(settings.issuers)
        self.clock = clock
        self.has_room = True

    @property
    def rules(self) -> Rules:
        """As they are now."""
        return self.live.now.rules

    @property
    def staff(self) -> StaffTable:
        """As it is now."""
        return self.live.now.staff

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connects to PostgreSQL; Kafka is connected to when there is something to send."""
        own = self.settings.own
        self.db = await Database.connect(own.database_url, schema="intake", size=own.pool_size)
        self.accepts = accepts(self.db)
        self.bell = Bell(self.db)
        producer = Producer(self.settings.common.kafka)
        self.send_now = SendNow(self.db, producer)
        self.photos = PhotoProcessor(most_pixels=self.city.limits.photo_pixels)
        beside = [asyncio.create_task(self.send_now.run()), asyncio.create_task(self._watch())]
        try:
            async with self.photos, self.live.following():
                yield
        finally:
            await end(*beside)
            await producer.reset()
            await self.db.close()

    async def _watch(self) -> None:
        while True:
            self.has_room = await self.store.has_room()
            await asyncio.sleep(ROOM_POLL_S)

    def need_room(self) -> None:
        """Raises 503 near the end of the disk, while what was accepted drains."""
        if not self.has_room:
            raise unavailable(FULL_RETRY_S)

    def new_id(self, at: datetime) -> str:
        """A UUIDv7."""
        return str(uuid7(int(at.timestamp() * 1000), secrets.randbits(RANDOM_BITS)))

    def new_code(self) -> str:
        """A code that nobody can foresee; unique by the database."""
        return report_code(secrets.randbits(CODE_BITS))
