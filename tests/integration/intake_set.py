"""Intake on a real PostgreSQL: both its applications, its worker's effects, its jobs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from contracts.facts import Event
from runtime.auth import Auth
from runtime.deadletters import Message
from runtime.effects import Outcome, Transactor
from runtime.http import create_app
from runtime.jobs import JobRunner
from runtime.tokens import Caller
from services.intake.adapters.photos.processor import PhotoProcessor
from services.intake.api import Context, internal_router, public_router
from services.intake.bootstrap import context_of
from services.intake.handlers import Submissions
from services.intake.jobs import Jobs
from tests.integration import service_set
from tests.integration.service_set import Environment, events_of, message_of
from yizhan.embedded.postgres import Postgres

PhotoProcessor.ahead = False
"""Most tests decode nothing: they need not start three children each."""
SERVICE_KEY = "a key of a service in a test"


@contextmanager
def installation(path: Path) -> Iterator[Environment]:
    """PostgreSQL with intake's schema; the environment that intake is told."""
    with installation_with_server(path) as (env, _):
        yield env


@contextmanager
def installation_with_server(path: Path) -> Iterator[tuple[Environment, Postgres]]:
    """The same, and the server to kill."""
    keys = {"tracking": hashlib.sha256(SERVICE_KEY.encode()).hexdigest()}
    with service_set.installation(path, "intake", YIZHAN_SERVICE_KEYS=json.dumps(keys)) as found:
        yield found


class Intake:
    """One opened intake. `client` is nobody; see `as_new_device` and `as_staff`."""

    def __init__(self, context: Context, app: FastAPI) -> None:
        self.context = context
        self.app = app
        self.client = self.with_headers({})
        settings = context.settings
        transcriber, speech_s = settings.transcriber(), settings.own.speech_timeout_s
        self.jobs = Jobs(context.store, context.live, transcriber, speech_s=speech_s)
        effects = Submissions(context.live, transcribes=transcriber is not None)
        self._transactor = Transactor(context.db, effects)
        self._relayed: set[int] = set()

    def with_headers(self, headers: Mapping[str, str]) -> httpx.AsyncClient:
        """A client that sends these always."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://intake",
            headers=dict(headers),
        )

    async def as_new_device(self) -> httpx.AsyncClient:
        """An anonymous reporter's client."""
        answer = await self.client.post("/v1/sessions", json={"device_id": str(uuid4())})
        assert answer.status_code == 201, answer.text
        return self.with_headers({"Authorization": f"Bearer {answer.json()['access_token']}"})

    def as_staff(self, role: str = "handler", *communities: str) -> httpx.AsyncClient:
        """A client of somebody who works on cases, for these communities."""
        caller = Caller(
            sub=str(uuid4()),
            role=role,
            session_id=str(uuid4()),
            communities=frozenset(communities),
        )
        token = self.context.key.sign(caller, self.context.clock())
        return self.with_headers({"Authorization": f"Bearer {token}"})

    def as_service(self) -> httpx.AsyncClient:
        """Another service's client."""
        return self.with_headers({"Authorization": f"Bearer {SERVICE_KEY}"})

    async def sql(self, query: str, *args: object) -> list[Any]:
        """Rows."""
        return await self.context.db.fetch(query, *args)

    async def work(self) -> Outcome:
        """What the worker does with the submissions that are in the outbox and not yet done."""
        rows = await self.sql("select * from outbox where topic = 'submissions' order by id")
        fresh = [row for row in rows if row["id"] not in self._relayed]
        self._relayed |= {row["id"] for row in fresh}
        return await self.give([message_of(row) for row in fresh])

    async def give(self, messages: Sequence[Message]) -> Outcome:
        """As if these came from Kafka in one batch."""
        return await self._transactor.take(messages)

    async def run_jobs(self) -> int:
        """Runs what is due until nothing is; how many."""
        done = 0
        for runner in self.jobs.runners():
            while await one(runner, self.context):
                done += 1
        return done

    async def events(self, report_id: str) -> list[Event]:
        """What intake said on `reports` about a report, in the order of the outbox."""
        rows = await self.sql("select * from outbox where topic = 'reports' order by id")
        return [event for event in events_of(rows) if event.subject == report_id]


async def one(runner: JobRunner, context: Context) -> bool:
    """One due job."""
    return await runner._one(context.db, lambda: None)


@asynccontextmanager
async def opened(env: Environment, **own: str) -> AsyncIterator[Intake]:
    """`own` are further variables, without YIZHAN_INTAKE_."""
    more = {f"YIZHAN_INTAKE_{name.upper()}": value for name, value in own.items()}
    context = context_of({**env, **more})
    app = create_app(
        [public_router(context), internal_router(context)],
        title="intake",
        auth=Auth.from_env(env, "intake"),
        local=True,
    )
    async with context.open():
        intake = Intake(context, app)
        await intake.jobs.start(context.db)
        try:
            yield intake
        finally:
            await intake.jobs.close()
