"""F18: whatever is delivered, repeated, reordered or crashes, each event has its effect once."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from runtime.db import Database
from runtime.deadletters import Message
from runtime.effects import Transactor
from tests.integration.plumbing_set import SCHEMA, TABLES, Tally, installation, submission

EVENTS = 12
OFFSETS = itertools.count(5_000_000)


class Crash(Exception):
    """The process dies here."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with installation(tmp_path_factory.mktemp("model") / "data") as (found, _):
        yield found


class Model(RuleBasedStateMachine):
    """Against a set of ids: what was committed at least once, and what SQL will never take."""

    db: Database
    loop: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.loop.run(self.db.execute(f"truncate {TABLES}"))
        self.messages = [submission() for _ in range(EVENTS - 2)]
        self.messages += [submission("\x00"), dataclasses.replace(submission(), value=b"{")]
        self.committed: set[int] = set()

    def _batch(self, picked: list[int]) -> list[Message]:
        return [dataclasses.replace(self.messages[at], offset=next(OFFSETS)) for at in picked]

    batches = st.lists(st.integers(0, EVENTS - 1), min_size=1, max_size=8)

    @rule(picked=batches)
    def deliver(self, picked: list[int]) -> None:
        """In any order, with repeats; a crash after the commit is the same delivered again."""
        outcome = self.loop.run(Transactor(self.db, Tally()).take(self._batch(picked)))
        told = len(outcome.applied) + len(outcome.duplicate) + len(outcome.dead)
        assert told == len(picked)
        self.committed |= set(picked)

    @rule(picked=batches)
    def crash_before_commit(self, picked: list[int]) -> None:
        """Nothing of it may be left."""
        tally = Tally()

        def die() -> None:
            raise Crash

        tally.before_save = die
        try:
            self.loop.run(Transactor(self.db, tally).take(self._batch(picked)))
        except Crash:
            return
        assert set(picked) <= self.committed | {EVENTS - 1}, "only what asks SQL for nothing"
        self.committed |= set(picked)

    @rule(first=batches, second=batches)
    def two_at_once(self, first: list[int], second: list[int]) -> None:
        """A zombie and its heir."""

        async def both() -> None:
            await asyncio.gather(
                Transactor(self.db, Tally()).take(self._batch(first)),
                Transactor(self.db, Tally()).take(self._batch(second)),
            )

        self.loop.run(both())
        self.committed |= set(first) | set(second)

    @invariant()
    def once(self) -> None:
        """One row and one event out for each that was committed and that SQL takes."""
        good = {self._id(at) for at in self.committed if at < EVENTS - 2}
        assert self._counts("select report_id::text as id from tally") == dict.fromkeys(good, 1)
        assert self._counts("select convert_from(key, 'UTF8') as id from outbox") == (
            dict.fromkeys(good, 1)
        )

    def _id(self, at: int) -> str:
        return str((self.messages[at].key or b"").decode())

    def _counts(self, query: str) -> Counter[str]:
        rows = self.loop.run(self.db.fetch(query))
        return Counter(str(row["id"]) for row in rows)


def test_each_event_has_its_effect_once(url: str) -> None:
    with asyncio.Runner() as loop:
        db = loop.run(Database.connect(url, schema=SCHEMA))
        Model.db, Model.loop = db, loop
        try:
            run_state_machine_as_test(
                Model,
                settings=settings(
                    max_examples=25,
                    stateful_step_count=12,
                    deadline=None,
                    derandomize=True,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            loop.run(db.close())
