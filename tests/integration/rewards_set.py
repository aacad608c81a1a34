"""Rewards on a real PostgreSQL: its application, its worker's effects, people with tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
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
from runtime.tokens import Caller, SigningKey
from services.rewards.api import Context, router
from services.rewards.bootstrap import context_of
from services.rewards.handlers import Points
from services.rewards.settings import Settings
from tests.cases import confirmed
from tests.integration import service_set
from tests.integration.service_set import Environment, events_of

TABLES = """cases, accounts, months, claims, ledger, inbox, outbox, dead_letters, idempotency_keys,
    jobs, erased, links"""


@contextmanager
def installation(path: Path) -> Iterator[Environment]:
    """PostgreSQL with rewards' schema; the environment that rewards is told."""
    with service_set.installation(path, "rewards") as (env, _):
        yield env


class Rewards:
    """One opened rewards."""

    def __init__(self, context: Context, app: FastAPI, key: SigningKey) -> None:
        self.context = context
        self.app = app
        self._key = key
        self.worker = self.another_worker()

    def another_worker(self) -> Transactor:
        """A transactor of its own, as a second process has one."""
        return Transactor(self.context.db, Points(self.context.live))

    def client(self, role: str | None, sub: str = "") -> httpx.AsyncClient:
        """A client with a token of that role; nobody's without one."""
        headers = {}
        if role is not None:
            token = self._key.sign(Caller(sub=sub or str(uuid4()), role=role), datetime.now(UTC))
            headers["Authorization"] = f"Bearer {token}"
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://rewards",
            headers=headers,
        )

    async def give(self, *messages: Message) -> Outcome:
        """As if these came from Kafka in one batch."""
        return await self.worker.take(messages)

    async def registered(self, count: int = 1) -> list[str]:
        """Reporters whose registration is confirmed."""
        ids = [str(uuid4()) for _ in range(count)]
        await self.give(*(confirmed(each) for each in ids))
        return ids

    async def sql(self, query: str, *args: object) -> list[Any]:
        """Rows."""
        return await self.context.db.fetch(query, *args)

    async def lines(self, reporter_id: str) -> list[tuple[object, ...]]:
        """(reason, round, points, pending) of the reporter's ledger, in order."""
        query = "select reason, round, points, pending from ledger where reporter_id = $1"
        return [tuple(row) for row in await self.sql(query + " order by id", reporter_id)]

    async def balance(self, reporter_id: str) -> tuple[int, int]:
        """Balance and pending, as the reporter sees them."""
        answer = (await self.client("reporter", reporter_id).get("/v1/me/points")).json()
        return answer["balance"], answer["pending"]

    async def events(self, reporter_id: str) -> list[Event]:
        """All that left about that reporter, in the order of the outbox."""
        query = "select * from outbox where key = $1 order by id"
        return events_of(await self.sql(query, reporter_id.encode()))


@asynccontextmanager
async def opened(env: Environment) -> AsyncIterator[Rewards]:
    """Rewards with empty tables."""
    context = context_of(Settings.of(env))
    app = create_app(
        [router(context)], title="rewards", auth=Auth.from_env(env, "rewards"), local=True
    )
    key = SigningKey.read(Path(env["YIZHAN_SIGNING_KEY_FILE"]))
    async with context.open():
        await context.db.execute(f"truncate {TABLES}")
        yield Rewards(context, app, key)
