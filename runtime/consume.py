"""The guard: the one loop by which events come in. Ack follows commit, in offset order."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import faust
import faust.streams

from runtime import deadletters, metrics
from runtime.db import Database, is_transient
from runtime.deadletters import Flood, Limits, Message
from runtime.effects import Effects, Outcome, Transactor

BATCH = 500
OLDEST_S = 0.05
"""A rebalance can clear Faust's queue behind a half-full batch: the timer flushes it."""
HALT_POLL_S = 1.0
EXIT_BUG = 70

T = TypeVar("T")

log = logging.getLogger(__name__)


class Guard:
    """Gives every topic of a service the same safe way in (kafka.md, rule 2)."""

    def __init__(
        self,
        db: Database,
        effects: Sequence[Effects[Any]],
        *,
        limits: Limits = Limits(),
        committed: Callable[[bool], None] = lambda _: None,
        pace_s: float = 0.0,
    ) -> None:
        """`committed` hears of each batch, and whether jobs were written with it.

        `pace_s`: a topic's next batch is not committed sooner than so long after the last one.

        The first event after a quiet time is never held up; under load more of them share one
        transaction. 0 for what people wait for.
        """
        if faust.streams._CStreamIterator is None:
            raise RuntimeError("Faust's Cython stream is missing: the Python one acks stale events")
        self._db = db
        self._by_topic = {topic: each for each in effects for topic in each.topics}
        self._limits = limits
        self._committed = committed
        self._pace_s = pace_s
        self._lanes: dict[str, _Lane] = {}

    def topic(self, app: faust.App, name: str) -> Any:
        """The Faust topic, raw bytes both ways: decoding is ours."""
        return app.topic(
            name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )

    async def run(self, name: str, stream: Any) -> None:
        """Consumes the topic for ever. What it cannot explain ends the process un-acked."""
        lane = _Lane(self, stream.app, name, self._by_topic[name])
        self._lanes[name] = lane
        await exit_on_bug(lane.run(stream))

    def problems(self) -> list[str]:
        """Why this consumer is not ready; empty when it is."""
        return [problem for lane in self._lanes.values() if (problem := lane.problem())]

    def last_batch_at(self) -> float:
        """Monotonic seconds of the latest sign of life of any topic."""
        return max((lane.last_batch_at for lane in self._lanes.values()), default=0.0)


async def exit_on_bug(work: Any) -> None:
    """Awaits; an exception that nobody foresaw ends the process at once, nothing acked."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except BaseException:  # a bug: no ack, no commit, the supervisor starts us anew
        log.exception("bug in the guard: leaving un-acked")
        logging.shutdown()
        os._exit(EXIT_BUG)


class _Lane:
    """One topic's buffer and its flushes."""

    def __init__(self, guard: Guard, app: faust.App, topic: str, effects: Effects[Any]) -> None:
        self._guard = guard
        self._db = guard._db
        self._app = app
        self._topic = topic
        self._transactor = Transactor(guard._db, effects)
        self._flood = Flood(guard._limits)
        self._buffer: list[Any] = []
        self._filled = asyncio.Event()
        self._flushed_at = 0.0
        self._flushing = asyncio.Lock()
        self._halt: str | None = None
        self.last_batch_at = time.monotonic()

    async def run(self, stream: Any) -> None:
        self._halt = await self._read_halt()
        timer = asyncio.create_task(exit_on_bug(self._flush_the_old()))
        try:
            events = stream.noack()
            queue = events.channel.queue
            async for event in events.events():
                self._buffer.append(event)
                self._filled.set()
                if len(self._buffer) >= BATCH or (queue.empty() and self._is_time()):
                    await self._flush()
        finally:
            timer.cancel()

    def _is_time(self) -> bool:
        return time.monotonic() - self._flushed_at >= self._guard._pace_s

    async def _flush_the_old(self) -> None:
        while True:
            await self._filled.wait()
            await asyncio.sleep(self._guard._pace_s or OLDEST_S)
            await self._flush()
            self._filled.clear()

    async def _flush(self) -> None:
        async with self._flushing:
            while self._buffer:
                await self._wait_while_halted()
                events, self._buffer = self._buffer[:BATCH], self._buffer[BATCH:]
                current = self._of_this_generation(events)
                if current:
                    await self._commit_then_ack(current)
                    self._flushed_at = time.monotonic()

    def _of_this_generation(self, events: list[Any]) -> list[Any]:
        # After a rebalance they are somebody else's, or come again: no effect, no ack.
        generation = self._app.consumer_generation_id
        return [event for event in events if event.message.generation_id == generation]

    async def _commit_then_ack(self, events: list[Any]) -> None:
        started = time.perf_counter()
        outcome = await self._transactor.take([_message(event) for event in events])
        self._ack(events)
        self._guard._committed(outcome.jobs)
        self.last_batch_at = time.monotonic()
        self._measure(outcome, len(events), time.perf_counter() - started)
        await self._halt_on_flood(outcome)

    def _ack(self, events: list[Any]) -> None:
        for event in sorted(
            events, key=lambda event: (event.message.partition, event.message.offset)
        ):
            event.ack()

    def _measure(self, outcome: Outcome, size: int, seconds: float) -> None:
        service, topic = self._db.schema, self._topic
        metrics.BATCH_DURATION_SECONDS.labels(service, topic).observe(seconds)
        metrics.BATCH_SIZE.labels(service, topic).observe(size)
        metrics.LAST_BATCH_TIMESTAMP_SECONDS.labels(service, topic).set_to_current_time()
        count = metrics.EVENTS_TOTAL.labels
        count(service, topic, "applied").inc(len(outcome.applied))
        count(service, topic, "duplicate").inc(len(outcome.duplicate))
        count(service, topic, "dead").inc(len(outcome.dead))
        count(service, topic, "erased").inc(len(outcome.erased))
        now = datetime.now(UTC)
        for _, event in outcome.applied:
            age_s = max(0.0, (now - event.occurred_at).total_seconds())
            metrics.HOP_SECONDS.labels(service, topic).observe(age_s)
            log.debug("applied %s", event.type, extra={"correlation_id": event.correlation_id})
        for letter in outcome.dead:
            log.warning(
                "dead letter %s[%d]@%d",
                letter.message.topic,
                letter.message.partition,
                letter.message.offset,
            )

    async def _halt_on_flood(self, outcome: Outcome) -> None:
        decided = [(message, False) for message, _ in outcome.applied]
        decided += [(message, False) for message in (*outcome.duplicate, *outcome.erased)]
        decided += [(letter.message, True) for letter in outcome.dead]
        for message, bad in sorted(decided, key=lambda item: item[0].offset):
            self._flood.count(message.partition, bad=bad)
        if reason := self._flood.exceeded():
            self._halt = reason
            await self._patiently(lambda: deadletters.halt(self._db, self._topic, reason))

    async def _wait_while_halted(self) -> None:
        if self._halt is None:
            return
        log.error("halted: %s", self._halt)
        metrics.CONSUMER_HALTED.labels(self._db.schema, self._topic).set(1)
        while self._halt is not None:
            await asyncio.sleep(HALT_POLL_S)
            self.last_batch_at = time.monotonic()
            self._halt = await self._read_halt()
        self._flood.reset()
        metrics.CONSUMER_HALTED.labels(self._db.schema, self._topic).set(0)

    async def _read_halt(self) -> str | None:
        return await self._patiently(lambda: deadletters.halted(self._db, self._topic))

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await work()
            except Exception as error:
                # A database that is away is waited for; the rest is a bug.
                if not is_transient(error):
                    raise
                await asyncio.sleep(HALT_POLL_S)

    def problem(self) -> str | None:
        if self._halt is not None:
            return f"{self._topic}: halted: {self._halt}"
        if self._transactor.failing_since is not None:
            return f"{self._topic}: the database refuses its batches"
        return None


def _offset(event: Any) -> tuple[int, int]:
    return event.message.partition, event.message.offset


def _message(event: Any) -> Message:
    message = event.message
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, dict) else headers
    return Message(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        headers=tuple((name, value) for name, value in pairs),
        value=message.value,
    )
