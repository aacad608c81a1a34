"""One batch, one transaction: decode, inbox, load, fold, save, outbox; bisect what SQL refuses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from contracts.envelope import decode
from contracts.facts import Event, InvalidEvent
from runtime import deadletters, erasure, inbox, jobs, linking, metrics, outbox
from runtime.backoff import Backoff
from runtime.db import Connection, Database, is_data_error, is_transient
from runtime.deadletters import DeadLetter, Message
from runtime.inbox import Claimed
from runtime.outbox import Outgoing

log = logging.getLogger(__name__)

S = TypeVar("S")


class Effects(Protocol[S]):
    """What a service does with the events of its topics.

    `load` reads (and locks, in sorted order) all that the events touch, `apply` folds one event
    into that state without I/O and says which events leave, `save` writes the state, set by set.
    `apply` raises InvalidEvent before it changes anything.
    """

    topics: tuple[str, ...]

    async def load(self, connection: Connection, events: Sequence[Event]) -> S:
        """The state that these events touch."""

    def apply(self, state: S, event: Event) -> Sequence[Outgoing]:
        """Folds one event in; unknown types leave the state alone."""

    async def save(self, connection: Connection, state: S) -> None:
        """Writes what `apply` changed."""


@dataclass
class Outcome:
    """What became of a batch, by message."""

    applied: list[tuple[Message, Event]] = field(default_factory=list)
    duplicate: list[Message] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    erased: list[Message] = field(default_factory=list)
    jobs: bool = False
    """Whether jobs were written with it."""


class Transactor:
    """Gives a service's batches their effect, exactly once, whatever is in them."""

    def __init__(
        self,
        db: Database,
        effects: Effects[Any],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db = db
        self._effects = effects
        self._clock = clock
        self.failing_since: datetime | None = None

    async def take(self, messages: Sequence[Message]) -> Outcome:
        """Commits the batch; retries as long as the failure is transient.

        Raises whatever is neither transient nor the data's fault: that is a bug.
        """
        backoff = Backoff(first_s=0.05, most_s=2.0)
        while True:
            try:
                outcome = await self._commit(messages)
            except (Exception, asyncio.CancelledError) as error:
                # Three ways to go on, by the kind of failure; everything else is passed on.
                if is_data_error(error):
                    return await self._bisect(messages, error)
                if not is_transient(error):
                    raise
                self.failing_since = self.failing_since or self._clock()
                log.warning("batch of %d waits: %s", len(messages), type(error).__name__)
                metrics.BATCH_RETRIES_TOTAL.labels(self._db.schema).inc()
                await backoff.wait()
            else:
                self.failing_since = None
                return outcome

    async def _commit(self, messages: Sequence[Message]) -> Outcome:
        outcome, events = self._decode(messages)
        told = [event for _, event in events]
        alone = bool(erasure.erased_in(told) or linking.linked_in(told))
        first = erasure.ALONE if alone else erasure.SHARED
        with jobs.written() as written:
            async with self._db.transaction(first) as connection:
                if events:
                    claimed = await inbox.claim(connection, told)
                    fresh = _fresh(claimed, events, outcome)
                    fresh = await _lawful(connection, claimed, fresh, outcome)
                    if fresh:
                        await self._fold(connection, fresh, outcome)
                await deadletters.bury(connection, outcome.dead)
        outcome.jobs = bool(written)
        return outcome

    def _decode(self, messages: Sequence[Message]) -> tuple[Outcome, list[tuple[Message, Event]]]:
        outcome = Outcome()
        events: list[tuple[Message, Event]] = []
        seen = set()
        today = self._clock().astimezone(UTC).date()
        for message in messages:
            try:
                event = decode(message.topic, message.key, message.headers, message.value)
                inbox.check_horizon(event, today)
            except InvalidEvent as error:
                outcome.dead.append(DeadLetter(message, str(error)))
                continue
            if event.event_id in seen:
                outcome.duplicate.append(message)
                continue
            seen.add(event.event_id)
            events.append((message, event))
        return outcome, events

    async def _fold(
        self, connection: Connection, fresh: list[tuple[Message, Event]], outcome: Outcome
    ) -> None:
        state = await self._effects.load(connection, [event for _, event in fresh])
        outgoing: list[Outgoing] = []
        for message, event in fresh:
            try:
                outgoing.extend(self._effects.apply(state, event))
            except InvalidEvent as error:
                outcome.dead.append(DeadLetter(message, str(error), event.event_id, event.subject))
            else:
                outcome.applied.append((message, event))
        await self._effects.save(connection, state)
        await outbox.append(connection, outgoing)

    async def _bisect(self, messages: Sequence[Message], error: BaseException) -> Outcome:
        if len(messages) == 1:
            return await self._refused(messages[0], error)
        middle = len(messages) // 2
        first = await self.take(messages[:middle])
        second = await self.take(messages[middle:])
        return Outcome(
            first.applied + second.applied,
            first.duplicate + second.duplicate,
            first.dead + second.dead,
            first.erased + second.erased,
            first.jobs or second.jobs,
        )

    async def _refused(self, message: Message, error: BaseException) -> Outcome:
        if await deadletters.count_attempt(self._db, message) < deadletters.ATTEMPTS:
            return await self.take([message])
        letter = _letter(message, f"SQL refuses it: {type(error).__name__}: {error}")
        async with self._db.transaction() as connection:
            await deadletters.bury(connection, [letter])
            await deadletters.forget_attempts(connection, message)
        return Outcome(dead=[letter])


Heard = list[tuple[Message, Event]]


def _fresh(claimed: Claimed, events: Heard, outcome: Outcome) -> Heard:
    fresh = [(message, event) for message, event in events if event.event_id in claimed.fresh]
    outcome.duplicate += [m for m, event in events if event.event_id not in claimed.fresh]
    return fresh


async def _lawful(
    connection: Connection, claimed: Claimed, fresh: Heard, outcome: Outcome
) -> Heard:
    """Without people who were erased and events that are all theirs; devices as persons."""
    erased = erasure.erased_in([event for _, event in fresh])
    await erasure.remember(connection, erased)
    kept: Heard = []
    for message, event in fresh:
        left = erasure.heard(event, claimed.erased | erased.keys())
        if left is None:
            outcome.erased.append(message)
        else:
            kept.append((message, left))
    linked = linking.linked_in([event for _, event in kept])
    await linking.remember(connection, linked)
    links = {**claimed.links, **linked}
    return [(message, linking.heard(event, links)) for message, event in kept]


def _letter(message: Message, reason: str) -> DeadLetter:
    event = decode(message.topic, message.key, message.headers, message.value)
    return DeadLetter(message, reason, event.event_id, event.subject)
