"""Dispatch on a real PostgreSQL: its application, its worker's effects, people with tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
from fastapi import FastAPI

from cities.cells import cell
from contracts.facts import Event, Fact, new_event
from contracts.places import Place
from contracts.reports import ReportNormalised
from contracts.submissions import Media
from runtime.auth import Auth
from runtime.deadletters import Message
from runtime.effects import Outcome, Transactor
from runtime.http import create_app
from runtime.tokens import Caller, SigningKey
from services.dispatch.adapters.media_client import MediaUnknown
from services.dispatch.api import Context, router
from services.dispatch.bootstrap import context_of
from services.dispatch.domain.parties import Party
from services.dispatch.domain.proof import Shot
from services.dispatch.handlers import Reports
from services.dispatch.settings import Settings
from tests.integration import service_set
from tests.integration.service_set import Environment, events_of

XIAOZHAI = (34.2245, 108.9470)


@contextmanager
def installation(path: Path) -> Iterator[Environment]:
    """PostgreSQL with dispatch's schema; the environment that dispatch is told."""
    with service_set.installation(path, "dispatch") as (env, _):
        yield env


class Album:
    """Intake's answers about media: `owner/anything` belongs to that owner."""

    def __init__(self) -> None:
        self.owned: dict[str, str] = {}
        self.said: dict[str, dict[str, Any]] = {}

    def photo(self, owner: str, **said: Any) -> str:
        """A new photo of that person, with what it says of itself (`taken_at`, `place`)."""
        media_id = uuid4().hex
        self.owned[media_id], self.said[media_id] = owner, said
        return media_id

    async def verified(self, ids: Sequence[str], owner: str) -> tuple[Shot, ...]:
        """As intake says it."""
        if any(self.owned.get(each) != owner for each in ids):
            raise MediaUnknown
        return tuple(
            Shot(Media(id=each, kind="photo", content_type="image/jpeg"), **self.said[each])
            for each in ids
        )

    async def link(self, media_id: str, case_id: str, party: Party) -> bytes:
        """A link that tells for whom it is."""
        return msgspec.json.encode(
            {
                "url": f"/v1/media/{media_id}/original?link={party.role}-{case_id}",
                "expires_at": datetime.now(UTC),
            }
        )


def report(
    lat: float = XIAOZHAI[0], lon: float = XIAOZHAI[1], category: str | None = "06042", **more: Any
) -> ReportNormalised:
    """A report as intake's worker tells it."""
    fields: dict[str, Any] = {
        "report_id": str(uuid4()),
        "reporter_id": str(uuid4()),
        "code": "T3ST",
        "received_at": datetime.now(UTC),
        "place": Place(lat=lat, lon=lon),
        "cell": cell(lat, lon, 9),
        "category": category,
        "text": "垃圾桶满了",
    }
    return ReportNormalised(**fields | more)


def message(body: Fact, seq: int = 2) -> Message:
    """The Kafka record of intake's event about a report, or a reporter."""
    subject: str = getattr(body, "report_id", "") or body.reporter_id  # type: ignore[attr-defined]
    event = new_event(
        body,
        source="intake",
        subject=subject,
        seq=seq,
        occurred_at=datetime.now(UTC),
        correlation_id=subject,
    )
    return service_set.message(event)


class Dispatch:
    """One opened dispatch."""

    def __init__(self, context: Context, app: FastAPI, album: Album, key: SigningKey) -> None:
        self.context = context
        self.app = app
        self.album = album
        self._key = key
        self.effects = Reports(context.live)
        self._transactor = Transactor(context.db, self.effects)

    def client(
        self,
        role: str | None,
        sub: str = "",
        communities: frozenset[str] = frozenset(),
        lifetime_s: float = 900,
        departments: frozenset[str] = frozenset(),
    ) -> httpx.AsyncClient:
        """A client with a token of that role; nobody's without one."""
        headers = {}
        if role is not None:
            caller = Caller(
                sub=sub or str(uuid4()),
                role=role,
                communities=communities,
                departments=departments,
            )
            lifetime = timedelta(seconds=lifetime_s)
            token = self._key.sign(caller, datetime.now(UTC), lifetime)
            headers["Authorization"] = f"Bearer {token}"
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://dispatch",
            headers=headers,
        )

    def handler(self, community: str, sub: str = "") -> httpx.AsyncClient:
        """A handler of that community."""
        return self.client("handler", sub, communities=frozenset({community}))

    async def give(self, *messages: Message) -> Outcome:
        """As if these came from Kafka in one batch."""
        return await self._transactor.take(messages)

    async def sql(self, query: str, *args: object) -> list[Any]:
        """Rows."""
        return await self.context.db.fetch(query, *args)

    async def events(self) -> list[Event]:
        """All that left, in the order of the outbox."""
        return events_of(await self.sql("select * from outbox order by id"))

    async def opened(self, **of: Any) -> tuple[ReportNormalised, dict[str, Any]]:
        """A report and its case, as an operator sees it."""
        body = report(**of)
        await self.give(message(body))
        rows = await self.sql(
            "select case_id from case_reports where report_id = $1::text::uuid", body.report_id
        )
        answer = await self.client("operator").get(f"/v1/cases/{rows[0]['case_id']}")
        return body, answer.json()


@asynccontextmanager
async def opened(env: Environment) -> AsyncIterator[Dispatch]:
    """Dispatch with intake's part played by an album."""
    album = Album()
    context = context_of(Settings.of(env))
    context._given_media = album
    app = create_app(
        [router(context)], title="dispatch", auth=Auth.from_env(env, "dispatch"), local=True
    )
    key = SigningKey.read(Path(env["YIZHAN_SIGNING_KEY_FILE"]))
    async with context.open():
        yield Dispatch(context, app, album, key)
