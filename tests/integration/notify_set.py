"""Notify on a real PostgreSQL: its application, its effects, its jobs, people with tokens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from contracts.facts import Event
from runtime import relay
from runtime.auth import Auth
from runtime.effects import Outcome, Transactor
from runtime.http import create_app
from runtime.tasks import end
from runtime.tokens import Caller, SigningKey
from services.notify.adapters.sending import Sender
from services.notify.api import Context, router
from services.notify.bootstrap import context_of
from services.notify.domain.targets import Address
from services.notify.handlers import Notices
from services.notify.jobs import Jobs
from services.notify.settings import Settings
from tests.integration import service_set
from tests.integration.service_set import Environment, events_of, message

TABLES = """recipients, notices, subscriptions, webhooks, deliveries, inbox, outbox, feed,
    feed_heads, jobs, erased, links"""


@contextmanager
def installation(path: Path) -> Iterator[Environment]:
    """PostgreSQL with notify's schema; the environment that notify is told."""
    with service_set.installation(
        path,
        "notify",
        YIZHAN_NOTIFY_WEBHOOK_LOOPBACK="1",
        YIZHAN_NOTIFY_WEBHOOK_ATTEMPTS="3",
        YIZHAN_NOTIFY_WEBHOOK_FIRST_DELAY_S="0.2",
        YIZHAN_NOTIFY_WEBHOOK_MOST_DELAY_S="2",
    ) as (env, _):
        yield env


async def loopback(host: str, port: int) -> Sequence[Address]:
    """Every name is this machine."""
    return [ip_address("127.0.0.1")]


async def until(
    condition: Callable[[], Awaitable[bool]], timeout_s: float = 30.0, every_s: float = 0.02
) -> None:
    """Polls; fails the test at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not await condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s"
        await asyncio.sleep(every_s)


class Notify:
    """One opened notify."""

    def __init__(self, settings: Settings, context: Context, app: FastAPI, key: SigningKey) -> None:
        self.context = context
        self._settings = settings
        self._app = app
        self._key = key
        self._transactor = Transactor(context.db, Notices(context.live))

    def client(
        self,
        role: str | None,
        sub: str = "",
        lifetime_s: float = 900,
        language: str = "",
        communities: frozenset[str] = frozenset(),
    ) -> httpx.AsyncClient:
        """A client with a token of that role; nobody's without one."""
        headers = {"Accept-Language": language} if language else {}
        if role is not None:
            caller = Caller(sub=sub or str(uuid4()), role=role, communities=communities)
            lifetime = timedelta(seconds=lifetime_s)
            token = self._key.sign(caller, datetime.now(UTC), lifetime)
            headers["Authorization"] = f"Bearer {token}"
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app, raise_app_exceptions=False),
            base_url="http://notify",
            headers=headers,
        )

    def reporter(self, sub: str, **more: Any) -> httpx.AsyncClient:
        """A reporter."""
        return self.client("reporter", sub, **more)

    async def give(self, *events: Event) -> Outcome:
        """As if these came from Kafka in one batch."""
        return await self._transactor.take([message(each) for each in events])

    async def sql(self, query: str, *args: object) -> list[Any]:
        """Rows."""
        return await self.context.db.fetch(query, *args)

    async def events(self) -> list[Event]:
        """All that left, in the order of the outbox."""
        return events_of(await self.sql("select * from outbox order by id"))

    async def relayed(self) -> None:
        """What the relay does after Kafka has the rows: marks them, stamps their feeds."""
        async with self.context.db.connection() as connection:
            rows = [relay._row(row) for row in await connection.fetch(relay._UNSENT, 500, 2.0)]
            await relay.mark_sent(connection, "notify", rows)

    async def webhook(self, url: str, **more: Any) -> dict[str, Any]:
        """A webhook that an operator made, with its secret."""
        answer = await self.client("operator").post("/v1/webhooks", json={"url": url} | more)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def deliveries(self, webhook: Mapping[str, Any], **query: str) -> list[dict[str, Any]]:
        """The log, newest first."""
        url = f"/v1/webhooks/{webhook['id']}/deliveries"
        answer = await self.client("operator").get(url, params=query)
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return found

    @asynccontextmanager
    async def working(self, **more: Any) -> AsyncIterator[None]:
        """Its jobs run meanwhile, as the worker runs them."""
        sender = Sender(self.context.policy, self.context.resolver, **more)
        notices = Notices(self.context.live)
        jobs = Jobs(self._settings.own, sender, notices)
        wake = asyncio.Event()
        tasks = [
            asyncio.create_task(each.run(self.context.db, wake, wake.set))
            for each in jobs.runners()
        ]
        try:
            yield
        finally:
            await end(*tasks)
            await jobs.close()


@asynccontextmanager
async def opened(env: Environment) -> AsyncIterator[Notify]:
    """Notify with empty tables; every name of a receiver is this machine."""
    settings = Settings.of(env)
    context = context_of(settings)
    context.resolver = loopback
    app = create_app(
        [router(context)], title="notify", auth=Auth.from_env(env, "notify"), local=True
    )
    key = SigningKey.read(Path(env["YIZHAN_SIGNING_KEY_FILE"]))
    async with context.open():
        await context.db.execute(f"truncate {TABLES}")
        yield Notify(settings, context, app, key)
