"""What notify does with an event: tells whom the table names, and the webhooks that ask for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID

from cities.live import Live
from contracts.cases import CaseFact
from contracts.erasing import people_of
from contracts.facts import Event, Fact
from contracts.notice_table import NoticeRow, NoticeText
from contracts.observers import ObserverErased
from contracts.topics import TOPIC, consumed_by
from runtime import erasure, jobs, metrics, outbox
from runtime.db import Connection
from runtime.jobs import NewJob
from runtime.outbox import Outgoing
from services.notify.adapters import delivery_sql, notice_sql, subscription_sql, webhook_sql
from services.notify.adapters.city import Known
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
from services.notify.domain.crowd import MOST_AT_ONCE, PAGE, ref
from services.notify.domain.crowd import payload as payload_of_page
from services.notify.domain.quiet import is_quiet
from services.notify.domain.subscribing import Subscribed, sight_of, subscribed
from services.notify.domain.telling import NOBODY, asks, told
from services.notify.domain.webhooks import delivery, payload
from services.notify.domain.words import filled

TELL = "tell"


def tell(state: State, event: Event) -> Sequence[Outgoing]:
    """A notice for each recipient that the table names and that has not heard of it."""
    outgoing = []
    texts: dict[int, dict[str, NoticeText]] = {}
    if event.event_id in state.crowded:
        state.later.append(event)
    for recipient, row in state.hearers(event):
        preferences = recipient.preferences
        if id(row) not in texts:
            texts[id(row)] = filled(row, event.body, state.city)
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
            quiet=not row.urgent and is_quiet(preferences, state.now, state.city.timezone),
            texts=texts[id(row)],
            at=state.now,
        )
        state.notices.append(notice)
        feeds = (feed_of(recipient.id),) if preferences.stream else ()
        outgoing.append(Outgoing(delivered(notice, event.traceparent), feeds))
    return outgoing


def tell_and_send(state: State, event: Event) -> Sequence[Outgoing]:
    """The same, and a delivery for each webhook whose filter lets the event through."""
    outgoing = tell(state, event)
    fact = event.body
    assert isinstance(fact, CaseFact)
    if event.type not in state.offered:
        return outgoing
    filed = state.city.category(fact.case.category)
    code = filed.code if filed else None
    wanted = [each for each in state.filters if each.wants(fact, code)]
    if wanted:
        body = payload(event)
        state.deliveries += [delivery(each.webhook_id, event, body) for each in wanted]
    return outgoing


def forget(state: State, event: Event) -> Sequence[Outgoing]:
    """The person's inbox and preferences go; nothing is told to them again."""
    body = event.body
    assert isinstance(body, ObserverErased)
    check_id(body.reporter_id)
    state.recipients[body.reporter_id].erased = True
    state.erased.add(body.reporter_id)
    state.notices = [each for each in state.notices if each.recipient != body.reporter_id]
    return ()


HANDLERS: dict[type[Fact], Callable[[State, Event], Sequence[Outgoing]]] = {
    **{fact: tell for topic in consumed_by(SERVICE) for fact in topic.events},
    **dict.fromkeys(TOPIC["cases"].events, tell_and_send),
    ObserverErased: forget,
}


def page_of(event: Event, after: str = "") -> NewJob:
    """The job that tells subscribers of the event behind that one."""
    return NewJob(TELL, ref(event.event_id, after), payload_of_page(event, after))


class Notices:
    """The Effects of all four topics."""

    topics: tuple[str, ...] = tuple(topic.name for topic in consumed_by(SERVICE))

    def __init__(self, live: Live[Known]) -> None:
        self._live = live

    async def load(self, connection: Connection, events: Sequence[Event]) -> State:
        """Recipients, locked in the order of their ids; what they heard; who subscribed."""
        known = self._live.now
        asked, crowded = await self._asked(connection, known, events, MOST_AT_ONCE)
        hearers = {
            each.event_id: told(
                known.table,
                each.body,
                NOBODY if each.event_id in crowded else asked.get(each.event_id, NOBODY),
            )
            for each in events
        }
        ids = {each for rows in hearers.values() for each in rows}
        ids |= {e.body.reporter_id for e in events if isinstance(e.body, ObserverErased)}
        state = await self._state(connection, known, hearers, ids)
        state.crowded = crowded
        if any(event.type in known.table.webhooks for event in events):
            state.filters = await webhook_sql.filters(connection)
        return state

    async def _state(
        self,
        connection: Connection,
        known: Known,
        hearers: dict[UUID, dict[str, NoticeRow]],
        ids: set[str],
    ) -> State:
        recipients = await notice_sql.lock(connection, ids)
        return State(
            now=await connection.fetchval("select clock_timestamp()"),
            city=known.city,
            offered=known.table.webhooks,
            told=hearers,
            recipients=recipients,
            known=await notice_sql.known(connection, list(hearers), INBOX),
        )

    async def _asked(
        self, connection: Connection, known: Known, events: Sequence[Event], most: int | None
    ) -> tuple[dict[UUID, Subscribed], frozenset[UUID]]:
        """By the event's id: who subscribed to such a case; and of whom there are too many."""
        sights = {
            at: sight_of(event.body.case, event.occurred_at, known.city)
            for at, event in enumerate(events)
            if isinstance(event.body, CaseFact) and asks(known.table, event.body)
        }
        if not sights:
            return {}, frozenset()
        one_more = None if most is None else most + 1
        matches = await subscription_sql.matching(connection, sights, one_more)
        times = Counter(match.at for match in matches)
        found = subscribed(sights, matches)
        return (
            {events[at].event_id: who for at, who in found.items()},
            frozenset(events[at].event_id for at, n in times.items() if most and n > most),
        )

    def apply(self, state: State, event: Event) -> Sequence[Outgoing]:
        """Folds one event in."""
        handler = HANDLERS.get(type(event.body))
        return handler(state, event) if handler else ()

    async def save(self, connection: Connection, state: State) -> None:
        """Notices, deliveries with their jobs, what is to be forgotten."""
        await notice_sql.save(connection, state.notices, INBOX)
        await notice_sql.save_seqs(connection, list(state.recipients.values()))
        await delivery_sql.add(connection, state.deliveries)
        await jobs.enqueue(connection, [page_of(event) for event in state.later])
        await notice_sql.erase(connection, state.erased)
        metrics.NOTICES_TOTAL.labels(INBOX, "delivered").inc(len(state.notices))

    async def tell_page(self, connection: Connection, event: Event, after: str) -> None:
        """Tells the next subscribers of an event, and writes the job of the page behind them."""
        await erasure.enter(connection, alone=False)
        left = erasure.heard(event, await erasure.among(connection, people_of(event.body)))
        if left is None:
            return
        event, known = left, self._live.now
        found, _ = await self._asked(connection, known, [event], None)
        asked = found.get(event.event_id, NOBODY)
        behind = sorted(each for each in asked.subscribers if each > after)
        now = set(behind[:PAGE])
        page = Subscribed(followers=asked.followers & now, subscribers=now)
        heard = told(known.table, event.body, page)
        rows = {who: row for who, row in heard.items() if who in now}
        state = await self._state(connection, known, {event.event_id: rows}, set(rows))
        outgoing = tell(state, event)
        await self.save(connection, state)
        await outbox.append(connection, outgoing)
        if len(behind) > PAGE:
            await jobs.enqueue(connection, [page_of(event, behind[PAGE - 1])])
