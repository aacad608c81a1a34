"""What notify's routes work with, opened and closed with the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import Response

from cities.live import Live, OfCity
from contracts.notice_table import NoticeTable
from runtime import errors, idempotency
from runtime.db import Connection, Database
from runtime.errors import declare
from runtime.feed import FeedReader
from runtime.idempotency import Answer, checked_key, request_hash
from runtime.tasks import end
from services.notify.adapters.city import Known
from services.notify.adapters.sending import Resolver
from services.notify.settings import Settings

REFUSED_URL = declare(
    "refused-webhook-url",
    422,
    "不能向该网址发送",
    "Nothing is sent to this URL",
)
TOO_MANY_WEBHOOKS = declare(
    "too-many-webhooks", 409, "Webhook 数量已达上限", "There are as many webhooks as may be"
)
TOO_MANY_SUBSCRIPTIONS = declare(
    "too-many-subscriptions",
    409,
    "订阅数量已达上限",
    "You have as many subscriptions as may be",
)
SUBSCRIBED_ALREADY = declare(
    "subscribed-already",
    409,
    "另一个订阅已包含相同内容",
    "Another subscription of yours asks for this already",
)
NOT_FAILED = declare(
    "delivery-not-failed",
    409,
    "只有已失败的投递可以重试",
    "Only a delivery that failed can be retried",
)

OWN = (REFUSED_URL, TOO_MANY_WEBHOOKS, TOO_MANY_SUBSCRIPTIONS, SUBSCRIBED_ALREADY, NOT_FAILED)
documents = partial(errors.documents, own=OWN)
"""OpenAPI `responses` for these statuses, with notify's own kinds of problems."""


class Context(OfCity[Known]):
    """`async with context.open()`; before that there is no database."""

    db: Database
    feeds: FeedReader

    def __init__(self, settings: Settings, live: Live[Known], *, resolver: Resolver) -> None:
        self.settings = settings
        self.live = live
        self.resolver = resolver
        self.policy = settings.policy()

    @property
    def table(self) -> NoticeTable:
        """As it is now."""
        return self.live.now.table

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connects to PostgreSQL and follows the feeds."""
        own = self.settings.own
        self.db = await Database.connect(own.database_url, schema="notify", size=own.pool_size)
        self.feeds = FeedReader(self.db)
        following = asyncio.create_task(self.feeds.run())
        try:
            async with self.live.following():
                yield
        finally:
            await end(following)
            await self.db.close()

    async def once(
        self,
        actor: str,
        key: str | None,
        parts: tuple[Any, ...],
        work: Callable[[Connection], Awaitable[Answer]],
    ) -> Response:
        """The write in one transaction; the same key and parts give the first answer again."""
        key = checked_key(key)
        async with self.db.transaction() as connection:
            if key is not None:
                done = await idempotency.claim(connection, actor, key, request_hash(*parts))
                if done is not None:
                    return done.response()
            answer = await work(connection)
            if key is not None:
                await idempotency.store(connection, actor, key, answer)
        return answer.response()
