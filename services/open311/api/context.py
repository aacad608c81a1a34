"""What the door's routes work with, opened and closed with the application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import Request

from cities.live import Live, OfCityAndAreas
from contracts.city import Open311Rules
from runtime.errors import Problem, language_of
from services.open311.adapters.behind import Behind
from services.open311.adapters.city import Known
from services.open311.adapters.internal import Internal
from services.open311.api.answers import JURISDICTION, PREFIX
from services.open311.domain.asking import Speaker
from services.open311.domain.faults import faulty
from services.open311.domain.telling import Speech
from services.open311.settings import Settings


def utc_now() -> datetime:
    """The clock of this process, for windows only."""
    return datetime.now(UTC)


class Context(OfCityAndAreas[Known]):
    """`async with context.open()`; before that nobody can be asked."""

    behind: Behind

    def __init__(
        self,
        settings: Settings,
        live: Live[Known],
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.live = live
        self.clock = clock

    @property
    def rules(self) -> Open311Rules:
        """As they are now."""
        return self.live.now.rules

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connects when there is something to ask."""
        own, usual = self.settings.own, self.settings.common.internal_url
        self.behind = Behind(
            Internal(usual, own.service_key),
            Internal(own.tracking_url or usual, own.service_key),
            Internal(own.dispatch_url or usual, own.service_key),
        )
        try:
            async with self.live.following():
                yield
        finally:
            await self.behind.close()

    def base(self, request: Request) -> str:
        """Where clients find this door, without a slash at the end."""
        origin = self.settings.shared.public_url or str(request.base_url)
        return origin.rstrip("/") + PREFIX

    def speech(self, request: Request) -> Speech:
        """In the language that the client asks for, else Chinese."""
        return Speech(
            city=self.city,
            communities=self.areas.owners,
            zone=self.zone,
            language=language_of(request.headers.get("accept-language", "")),
            base=self.base(request),
        )

    def speaker(self) -> Speaker:
        """For the parameters of a question."""
        return Speaker(self.city, self.rules, self.clock(), self.zone)

    def check_jurisdiction(self, named: str) -> None:
        """Raises 404 for one that the city has not, 400 for none where there are several."""
        known = self.rules.jurisdictions
        if named and known and named not in known:
            raise Problem(JURISDICTION)
        if not named and len(known) > 1:
            raise faulty("jurisdiction_id", "必填", "is required: there are several")
