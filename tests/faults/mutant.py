"""Mutants of the real guard and relay: patched from outside, then the service's own main.

`python -m tests.faults.mutant NAME SERVICE worker`. The oracle has to report each of them, and
nothing of NAME `none`, which is the real thing with the counting effect.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from contracts.facts import Event
from runtime import consume, inbox, outbox, relay
from runtime.db import Connection
from runtime.deadletters import DeadLetter, Message, bury
from runtime.effects import Outcome, Transactor
from runtime.outbox import Outgoing
from runtime.producer import Producer
from services.dispatch.adapters import case_sql
from services.dispatch.handlers import Reports

COUNT = """
insert into tally as t (event_id, n) select id, 1 from unnest($1::uuid[]) as id order by id
on conflict (event_id) do update set n = t.n + 1
"""


def count_effects() -> None:
    """Beside the real effect one that counts: `+ 1` per event, with no business key behind it."""
    load, apply, save = Reports.load, Reports.apply, Reports.save

    async def loads(self: Reports, connection: Connection, events: Sequence[Event]) -> Any:
        state: Any = await load(self, connection, events)
        state.counted = []
        return state

    def applies(self: Reports, state: Any, event: Event) -> Sequence[Outgoing]:
        leaving = apply(self, state, event)
        state.counted.append(event.event_id)
        return leaving

    async def saves(self: Reports, connection: Connection, state: Any) -> None:
        await save(self, connection, state)
        for event_id in state.counted:
            await connection.execute(COUNT, [event_id])

    Reports.load, Reports.apply, Reports.save = loads, applies, saves  # type: ignore[method-assign]


def ack_before_commit() -> None:
    """What Faust does by itself: the offset goes on, then the work is done."""
    real = consume._Lane._commit_then_ack

    async def ack_then_commit(self: Any, events: list[Any]) -> None:
        self._ack(events)
        self._ack = lambda _: None
        try:
            await real(self, events)
        finally:
            del self._ack

    consume._Lane._commit_then_ack = ack_then_commit  # type: ignore[method-assign]


def no_inbox() -> None:
    """Every event is new, every time."""

    real = inbox.claim

    async def claim(connection: Connection, events: Sequence[Event]) -> inbox.Claimed:
        return replace(await real(connection, events), fresh=frozenset(e.event_id for e in events))

    inbox.claim = claim


def publish_before_commit() -> None:
    """Events go to Kafka from inside the transaction that decides them."""
    real = outbox.append

    async def append(connection: Connection, outgoing: Sequence[Outgoing]) -> None:
        await real(connection, outgoing)
        rows = [relay._row(row) for row in await connection.fetch(relay._UNSENT, 500, 0.0)]
        if rows:
            await PRODUCERS[0].send(rows)
            await relay.mark_sent(connection, "dispatch", rows)

    outbox.append = append
    _keep_the_producer()


PRODUCERS: list[Any] = []


def _keep_the_producer() -> None:
    init = relay.Relay.__init__

    def keeps(self: relay.Relay, db: Any, producer: Any) -> None:
        PRODUCERS.append(producer)
        init(self, db, producer)

    relay.Relay.__init__ = keeps  # type: ignore[method-assign]


def mark_before_send() -> None:
    """The relay says "sent" before it has sent."""

    async def send_batch(self: relay.Relay, connection: Connection) -> int:
        found = await connection.fetch(relay._UNSENT, relay.BATCH, relay.DIRECT_GRACE_S)
        rows = [relay._row(each) for each in found]
        if rows:
            await relay.mark_sent(connection, self._db.schema, rows)
            await self._producer.send(rows)
        return len(rows)

    relay.Relay._send_batch = send_batch  # type: ignore[method-assign]


def no_bisect() -> None:
    """One event that SQL refuses takes its whole batch to the dead letters."""

    async def give_up(
        self: Transactor, messages: Sequence[Message], error: BaseException
    ) -> Outcome:
        letters = [DeadLetter(message, f"batch refused: {error}") for message in messages]
        async with self._db.transaction() as connection:
            await bury(connection, letters)
        return Outcome(dead=letters)

    Transactor._bisect = give_up  # type: ignore[method-assign]


def no_lock_on_duplicates() -> None:
    """Two workers look for an open case at the same time."""

    real = case_sql.advisory

    async def advisory(connection: Connection, names: Any) -> Any:
        return await real(connection, ())

    case_sql.advisory = advisory


def naive_agent() -> None:
    """`async for`, acks by Faust, `+=`, no inbox: the tutorial's agent with our effects."""

    async def run(self: consume.Guard, name: str, stream: Any) -> None:
        effects = self._by_topic[name]
        no_inbox()
        async for event in stream.events():
            await Transactor(self._db, effects).take([consume._message(event)])

    consume.Guard.run = run  # type: ignore[method-assign]


def frozen_before_publish() -> None:
    """No mutant but a fault: the process stops between commit and publish, once it is told to."""
    real, told = Producer.send, Path(os.environ["YIZHAN_FAULT_FREEZE"])

    async def send(self: Producer, records: Sequence[Any]) -> None:
        if told.exists():
            told.unlink()
            os.kill(os.getpid(), signal.SIGSTOP)
        await real(self, records)

    Producer.send = send  # type: ignore[method-assign]


MUTANTS: dict[str, Callable[[], None]] = {
    "none": lambda: None,
    "ack before commit": ack_before_commit,
    "no inbox": no_inbox,
    "publish before commit": publish_before_commit,
    "mark before send": mark_before_send,
    "no bisect": no_bisect,
    "no lock on duplicates": no_lock_on_duplicates,
    "naive agent": naive_agent,
    "frozen before publish": frozen_before_publish,
}


def main(arguments: list[str]) -> None:
    """Patches, then runs the service as `python -m services.<name>` does."""
    name, service, *rest = arguments
    count_effects()
    MUTANTS[name]()
    sys.argv = [f"services.{service}", *rest]
    runpy.run_module(f"services.{service}", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
