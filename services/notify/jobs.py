"""Slow work beside the stream: webhooks, many subscribers, what an erased person left."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.facts import Event, new_event
from contracts.notices import NoticeDelivered, NoticeFact, NoticeFailed
from runtime import erasure, linking, metrics, outbox
from runtime.db import Connection, Database
from runtime.jobs import Commit, GiveUp, Job, JobRunner, Retry
from runtime.lanes import LaneRunner
from runtime.outbox import Outgoing
from services.notify.adapters import delivery_sql, link_sql, notice_sql
from services.notify.adapters.delivery_sql import SEND, ToSend
from services.notify.adapters.sending import Sender, Sent
from services.notify.domain.batch import SERVICE
from services.notify.domain.crowd import event_in
from services.notify.domain.signing import signed_headers
from services.notify.handlers import TELL, Notices
from services.notify.settings import Own

WEBHOOK = "webhook"
SWITCHED_OFF = "the webhook is switched off"
LEASE_S = 15.0
"""Three times what one attempt may take: a worker that died is replaced soon."""


class Jobs:
    """Sends deliveries, each webhook in a lane of its own."""

    def __init__(
        self,
        own: Own,
        sender: Sender,
        notices: Notices,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._own = own
        self._sender = sender
        self._notices = notices
        self._clock = clock

    def runners(self) -> tuple[JobRunner, ...]:
        """Many sends at once, few to one receiver; what is for people apart from them."""
        own = self._own
        sending = LaneRunner(
            {SEND: self.send},
            {SEND: self.given_up},
            concurrency=own.webhook_concurrency,
            lease_s=LEASE_S,
            max_attempts=own.webhook_attempts,
            first_delay_s=own.webhook_first_delay_s,
            most_delay_s=own.webhook_most_delay_s,
            per_lane=own.webhook_per_target,
        )
        telling = JobRunner({TELL: self.tell}, {}, concurrency=2)
        return sending, telling, erasure.runner(notice_sql.erase_all), linking.runner(link_sql.link)

    async def close(self) -> None:
        """Ends open connections."""
        await self._sender.close()

    async def send(self, db: Database, job: Job) -> Commit:
        """One attempt. A receiver may see it twice, with the same `webhook-id`."""
        found = await delivery_sql.to_send(db, UUID(job.ref))
        if found is None:
            return _nothing
        if not found.active:
            raise GiveUp(SWITCHED_OFF)
        sent = await self._post(found)
        took_ms = round(sent.took_s * 1000)
        await delivery_sql.tried(db, found.delivery.id, sent.status, sent.error, took_ms)
        metrics.WEBHOOK_SECONDS.labels(sent.outcome).observe(sent.took_s)
        if sent.delivered:
            return self._delivered(found)
        metrics.NOTICES_TOTAL.labels(WEBHOOK, "retried").inc()
        raise Retry(sent.error or "", sent.after_s)

    async def _post(self, found: ToSend) -> Sent:
        body = found.delivery.body.encode()
        headers = signed_headers(str(found.delivery.id), int(self._clock()), body, found.secrets)
        return await self._sender.post(found.url, headers, body)

    def _delivered(self, found: ToSend) -> Commit:
        delivery = found.delivery

        async def commit(connection: Connection) -> None:
            row = await delivery_sql.end(connection, delivery.id, "delivered")
            if row is not None:
                await _tell(connection, delivery.id, row, None)
                metrics.NOTICES_TOTAL.labels(WEBHOOK, "delivered").inc()
                delay_s = (datetime.now(UTC) - delivery.occurred_at).total_seconds()
                metrics.WEBHOOK_DELAY_SECONDS.observe(max(0.0, delay_s))

        return commit

    async def given_up(self, db: Database, job: Job) -> Commit:
        """The dead letter stays in the log until somebody retries it."""
        found = await delivery_sql.to_send(db, UUID(job.ref))
        reason = SWITCHED_OFF if found is not None and not found.active else None

        async def commit(connection: Connection) -> None:
            row = await delivery_sql.end(connection, UUID(job.ref), "failed", reason)
            if row is not None:
                await _tell(connection, UUID(job.ref), row, row["last_error"] or "unknown")
                metrics.NOTICES_TOTAL.labels(WEBHOOK, "failed").inc()

        return commit

    async def tell(self, _: Database, job: Job) -> Commit:
        """A page of the many who subscribed; what they heard before is not told again."""

        async def commit(connection: Connection) -> None:
            await self._notices.tell_page(connection, event_in(job.payload), job.payload["after"])

        return commit


async def _nothing(_: Connection) -> None:
    return None


async def _tell(connection: Connection, delivery_id: UUID, row: Any, reason: str | None) -> None:
    """NoticeDelivered, or NoticeFailed with that reason."""
    shared: dict[str, Any] = {
        "notice_id": str(delivery_id),
        "recipient_id": str(row["webhook_id"]),
        "channel": WEBHOOK,
        "about": row["about"],
        "event": row["type"],
        "attempts": row["attempts"],
    }
    fact: NoticeFact
    if reason is None:
        fact = NoticeDelivered(**shared, event_id=str(row["event_id"]))
    else:
        fact = NoticeFailed(**shared, reason=reason)
    now = await connection.fetchval("select clock_timestamp()")
    event: Event = new_event(
        fact,
        source=SERVICE,
        subject=str(delivery_id),
        seq=row["told"],
        occurred_at=now,
        correlation_id=row["correlation_id"],
    )
    await outbox.append(connection, [Outgoing(event)])
