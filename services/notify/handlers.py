"""What notify does with an event: tells whom the table names, and the webhooks that ask for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from contracts.cases import CaseFact
from contracts.city import City
from contracts.facts import Event, Fact
from contracts.notice_table import NoticeTable
from contracts.observers import ObserverErased
from contracts.topics import TOPIC, consumed_by
from runtime import metrics
from runtime.db import Connection
from runtime.outbox import Outgoing
from services.notify.adapters import delivery_sql, notice_sql, subscription_sql, webhook_sql
from services.notify.domain.batch import (
    INBOX,
    SERVICE,
    Notice,
    State,
    check_id,
    delivered,
    feed_of,
    notice_id,
)
from services.notify.domain.quiet import is_quiet
from services.notify.domain.subscribing import Subscribed, sight_of, subscribed
from services.notify.domain.telling import NOBODY, asks, told
from services.notify.domain.webhooks import delivery, payload
from services.notify.domain.words import filled


def tell(state: State, event: Event, city: City) -> Sequence[Outgoing]:
    """A notice for each recipient that the table names and that has not heard of it."""
    outgoing = []
    for recipient, row in state.hearers(event):
        preferences = recipient.preferences
        recipient.last_seq += 1
        notice = Notice(
            id=notice_id(event.event_id, recipient.id, INBOX),
            recipient=recipient.id,
            seq=recipient.last_seq,
            event_id=event.event_id,
            type=event.type,
            about=event.subject,
            correlation_id=event.correlation_id,
            report_id=None if row.asked_for else event.correlation_id,
            urgent=row.urgent,
            quiet=not row.urgent and is_quiet(preferences, state.now, city.timezone),
            texts=filled(row, event.body, city),
            at=state.now,
        )
        state.notices.append(notice)
        feeds = (feed_of(recipient.id),) if preferences.stream else ()
        outgoing.append(Outgoing(delivered(notice, event.traceparent), feeds))
    return outgoing


def tell_and_send(state: State, event: Event, city: City) -> Sequence[Outgoing]:
    """The same, and a delivery for each webhook whose filter lets the event through."""
    outgoing = tell(state, event, city)
    fact = event.body
    assert isinstance(fact, CaseFact)
    if event.type not in state.offered:
        return outgoing
    filed = city.category(fact.case.category)
    code = filed.code if filed else None
    wanted = [each for each in state.filters if each.wants(fact, code)]
    if wanted:
        body = payload(event)
        state.deliveries += [delivery(each.webhook_id, event, body) for each in wanted]
    return outgoing


def forget(state: State, event: Event, city: City) -> Sequence[Outgoing]:
    """The person's inbox and preferences go; nothing is told to them again."""
    body = event.body
    assert isinstance(body, ObserverErased)
    check_id(body.reporter_id)
    state.recipients[body.reporter_id].erased = True
    state.erased.add(body.reporter_id)
    state.notices = [each for each in state.notices if each.recipient != body.reporter_id]
    return ()


HANDLERS: dict[type[Fact], Callable[[State, Event, City], Sequence[Outgoing]]] = {
    **{fact: tell for topic in consumed_by(SERVICE) for fact in topic.events},
    **dict.fromkeys(TOPIC["cases"].events, tell_and_send),
    ObserverErased: forget,
}


class Notices:
    """The Effects of all four topics."""

    topics: tuple[str, ...] = tuple(topic.name for topic in consumed_by(SERVICE))

    def __init__(self, city: City, table: NoticeTable) -> None:
        self._city = city
        self._table = table

    async def load(self, connection: Connection, events: Sequence[Event]) -> State:
        """Recipients, locked in the order of their ids; what they heard; who subscribed."""
        asked = await self._asked(connection, events)
        hearers = {
            event.event_id: told(self._table, event.body, asked.get(at, NOBODY))
            for at, event in enumerate(events)
        }
        ids = {each for rows in hearers.values() for each in rows}
        ids |= {e.body.reporter_id for e in events if isinstance(e.body, ObserverErased)}
        recipients = await notice_sql.lock(connection, ids)
        state = State(
            now=await connection.fetchval("select clock_timestamp()"),
            offered=self._table.webhooks,
            told=hearers,
            recipients=recipients,
            known=await notice_sql.known(connection, list(hearers), INBOX),
        )
        if any(event.type in self._table.webhooks for event in events):
            state.filters = await webhook_sql.filters(connection)
        return state

    async def _asked(
        self, connection: Connection, events: Sequence[Event]
    ) -> dict[int, Subscribed]:
        """By the event's place in the batch: who subscribed to such a case."""
        sights = {
            at: sight_of(event.body.case, event.occurred_at, self._city)
            for at, event in enumerate(events)
            if isinstance(event.body, CaseFact) and asks(self._table, event.body)
        }
        if not sights:
            return {}
        return subscribed(sights, await subscription_sql.matching(connection, sights))

    def apply(self, state: State, event: Event) -> Sequence[Outgoing]:
        """Folds one event in."""
        handler = HANDLERS.get(type(event.body))
        return handler(state, event, self._city) if handler else ()

    async def save(self, connection: Connection, state: State) -> None:
        """Notices, deliveries with their jobs, what is to be forgotten."""
        await notice_sql.save(connection, state.notices, INBOX)
        await notice_sql.save_seqs(connection, list(state.recipients.values()))
        await delivery_sql.add(connection, state.deliveries)
        await notice_sql.erase(connection, state.erased)
        metrics.NOTICES_TOTAL.labels(INBOX, "delivered").inc(len(state.notices))
