"""Every service's workers by hand, without a broker: records from outboxes to their consumers."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from contracts.topics import TOPIC
from runtime.db import Database
from runtime.deadletters import Message
from runtime.effects import Transactor
from runtime.worker import WorkerPlan
from tests.integration.service_set import message_of
from yizhan.environment import Installation


class Hands:
    """`pump` moves what is new, `work` does the jobs that are due, `replay` starts from zero."""

    def __init__(self) -> None:
        self.dbs: dict[str, Database] = {}
        self.plans: dict[str, WorkerPlan] = {}
        self.topics: list[Message] = []
        self._sent: dict[str, set[int]] = {}

    async def pump(self) -> None:
        """Until no outbox has anything new."""
        while new := [each for service in self.dbs for each in await self._new(service)]:
            self.topics += new
            await self._give(new)

    async def work(self) -> None:
        """Every due job of every service, and those that were put off to be sure."""
        for service, plan in self.plans.items():
            db = self.dbs[service]
            await db.execute("update jobs set due_at = clock_timestamp()")
            for runner in plan.jobs:
                while await runner._one(db, lambda: None):
                    pass

    async def replay(self) -> None:
        """All that was ever on the topics, to consumers that do not know what they have taken."""
        for db in self.dbs.values():
            await db.execute("truncate inbox")
        await self._give(self.topics)

    async def _new(self, service: str) -> list[Message]:
        rows = await self.dbs[service].fetch("select * from outbox order by id")
        sent = self._sent.setdefault(service, set())
        fresh = [row for row in rows if row["id"] not in sent]
        sent |= {row["id"] for row in fresh}
        return [message_of(row) for row in fresh]

    async def _give(self, messages: list[Message]) -> None:
        for service, plan in self.plans.items():
            for effects in plan.effects:
                heard = [
                    each
                    for each in messages
                    if each.topic in effects.topics and service in TOPIC[each.topic].consumers
                ]
                outcome = await Transactor(self.dbs[service], effects).take(heard)
                assert not outcome.dead, outcome.dead


@asynccontextmanager
async def opened(installed: Installation) -> AsyncIterator[Hands]:
    """Of every service of the installation."""
    hands = Hands()
    async with AsyncExitStack() as stack:
        for service in installed.services:
            module = importlib.import_module(f"services.{service}.worker")
            plan = module.worker(installed.worker(service))
            db = await Database.connect(plan.database_url, schema=service)
            stack.push_async_callback(db.close)
            hands.dbs[service], hands.plans[service] = db, plan
            if plan.start:
                await plan.start(db)
            if plan.close:
                stack.push_async_callback(plan.close)
        yield hands
