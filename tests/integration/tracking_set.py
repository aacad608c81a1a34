"""Tracking on a real PostgreSQL: its application, its worker's effects, people with tokens."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI
from msgspec.structs import replace

from contracts.cases import Case, CaseClocks, CaseFact, CaseReport
from contracts.facts import SYSTEM, Actor, Fact, new_event
from contracts.places import Place
from contracts.reports import ReportNormalised
from contracts.submissions import ReportSubmitted, SentPlace
from runtime.auth import Auth
from runtime.deadletters import Message
from runtime.effects import Outcome, Transactor
from runtime.http import create_app
from runtime.tokens import Caller, SigningKey
from services.tracking.adapters.intake_client import IntakeAway
from services.tracking.api import Context, router
from services.tracking.bootstrap import context_of
from services.tracking.domain.recent import made_at
from services.tracking.domain.story import Story
from services.tracking.handlers import ReadSide
from services.tracking.settings import Settings
from tests.integration import service_set
from tests.integration.service_set import Environment

XIAOZHAI = Place(lat=34.2245, lon=108.9470)
TABLES = """reports, report_facts, cases, case_counts, case_changes, case_reports, case_events,
    points, notices, erased, inbox, outbox, dead_letters, jobs, links"""
NUMBERS = itertools.count()


@contextmanager
def installation(path: Path) -> Iterator[Environment]:
    """PostgreSQL with tracking's schema; the environment that tracking is told."""
    with service_set.installation(path, "tracking") as (env, _):
        yield env


def new_id(age: timedelta = timedelta()) -> str:
    """A UUIDv7 as intake makes them; every call's is larger than the one before."""
    at_ms = time.time_ns() // 1_000_000 - int(age.total_seconds() * 1000)
    return str(UUID(int=(at_ms << 80) | (0x7 << 76) | (0b10 << 62) | next(NUMBERS)))


def submitted(reporter_id: str, report_id: str = "", **more: Any) -> ReportSubmitted:
    """A report as intake's API tells it."""
    fields: dict[str, Any] = {
        "report_id": report_id or new_id(),
        "reporter_id": reporter_id,
        "code": "T3ST",
        "received_at": datetime.now(UTC),
        "text": "垃圾桶满了 ",
        "place": SentPlace(lat=34.2229, lon=108.9517, crs="gcj02"),
    }
    return ReportSubmitted(**fields | more)


def normalised(sent: ReportSubmitted, **more: Any) -> ReportNormalised:
    """The same as intake's worker tells it."""
    fields: dict[str, Any] = {
        "report_id": sent.report_id,
        "reporter_id": sent.reporter_id,
        "code": sent.code,
        "received_at": sent.received_at,
        "place": XIAOZHAI,
        "cell": "89309b9a2b7ffff",
        "category": "06042",
        "category_source": "alias",
        "text": "垃圾桶满了",
    }
    return ReportNormalised(**fields | more)


def case_with(*reports: ReportSubmitted, seq: int = 1, **more: Any) -> Case:
    """A case of these reports."""
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "id": str(uuid4()),
        "code": "C4SE",
        "state": "assigned",
        "seq": seq,
        "revision": seq,
        "round": 1,
        "place": XIAOZHAI,
        "cell": "89309b9a2b7ffff",
        "family": "bins",
        "category": "06042",
        "text": "垃圾桶满了",
        "opened_at": now,
        "updated_at": now,
        "clocks": CaseClocks(accept_by=now, resolve_by=now + timedelta(hours=4)),
        "reports": tuple(
            CaseReport(report_id=e.report_id, reporter_id=e.reporter_id, joined_at=now)
            for e in reports
        ),
    }
    return Case(**fields | more)


def happened(kind: type[CaseFact], case: Case, seq: int, **more: Any) -> Message:
    """An event of a case that has come to this number; fields of the case among `more`."""
    own = {name: more.pop(name) for name in list(more) if name in Case.__struct_fields__}
    at = case.opened_at + timedelta(seconds=seq)
    after = replace(case, seq=seq, revision=seq, updated_at=at, **own)
    by = more.pop("by", SYSTEM)
    return message(kind(case=after, by=by, **more), case.id, seq, "dispatch")


def staff(role: Any = "handler") -> Actor:
    """Somebody who works on cases."""
    return Actor(role=role, id=str(uuid4()))


def message(body: Fact, subject: str, seq: int, source: str = "intake") -> Message:
    """The Kafka record of an event."""
    now = datetime.now(UTC)
    event = new_event(
        body, source=source, subject=subject, seq=seq, occurred_at=now, correlation_id=subject
    )
    return service_set.message(event)


def about(body: Fact, seq: int) -> Message:
    """An event of intake about a report."""
    return message(body, body.report_id, seq)  # type: ignore[attr-defined]


class Ahead:
    """Intake's part: reports that it has and whose events have not arrived."""

    def __init__(self) -> None:
        self.stories: dict[str, dict[str, Story]] = {}
        self.away = False
        self.asked = 0

    def has(self, reporter_id: str, story: Story) -> None:
        """From now on."""
        self.stories.setdefault(reporter_id, {})[story.id] = story

    async def one(self, report_id: UUID, reporter_id: str) -> Story | None:
        """As intake says it."""
        self._answer()
        return self.stories.get(reporter_id, {}).get(str(report_id))

    async def after(self, reporter_id: str, instant: datetime | None) -> list[Story]:
        """As intake says it."""
        self._answer()
        mine = self.stories.get(reporter_id, {})
        return [
            mine[each]
            for each in sorted(mine)
            if instant is None or (made_at(each) or instant) > instant
        ]

    async def known(self, ids: Sequence[str]) -> list[Story]:
        """As intake says it."""
        self._answer()
        everything = {key: story for mine in self.stories.values() for key, story in mine.items()}
        return [everything[each] for each in ids if each in everything]

    async def person(self, reporter_id: str) -> dict[str, Any]:
        """As intake says it."""
        self._answer()
        return {"profile": {"id": reporter_id}, "devices": [], "sessions": [], "registrations": []}

    async def media_of(self, reporter_id: str, after: str) -> list[dict[str, Any]]:
        """Two pages of one each."""
        self._answer()
        return [{"id": f"{after}m"}] if len(after) < 2 else []

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise IntakeAway("test")


class Tracking:
    """One opened tracking."""

    def __init__(self, context: Context, app: FastAPI, ahead: Ahead, key: SigningKey) -> None:
        self.context = context
        self.app = app
        self.ahead = ahead
        self._key = key
        self._transactor = Transactor(context.db, ReadSide(ZoneInfo(context.city.timezone)))

    def client(self, role: str | None, sub: str = "") -> httpx.AsyncClient:
        """A client with a token of that role; nobody's without one."""
        headers = {}
        if role is not None:
            caller = Caller(sub=sub or str(uuid4()), role=role)
            token = self._key.sign(caller, datetime.now(UTC), timedelta(minutes=15))
            headers["Authorization"] = f"Bearer {token}"
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://tracking",
            headers=headers,
        )

    async def give(self, *messages: Message) -> Outcome:
        """As if these came from Kafka in one batch."""
        return await self._transactor.take(messages)

    async def sql(self, query: str, *args: object) -> list[Any]:
        """Rows."""
        return await self.context.db.fetch(query, *args)

    async def empty(self) -> None:
        """Nothing in any table."""
        await self.sql(f"truncate {TABLES}")


@asynccontextmanager
async def opened(env: Environment) -> AsyncIterator[Tracking]:
    """Tracking with intake's part played by what is ahead of the events."""
    ahead = Ahead()
    context = context_of(Settings.of(env))
    context._given_newest = ahead
    app = create_app(
        [router(context)], title="tracking", auth=Auth.from_env(env, "tracking"), local=True
    )
    key = SigningKey.read(Path(env["YIZHAN_SIGNING_KEY_FILE"]))
    async with context.open():
        yield Tracking(context, app, ahead, key)
