"""The guard's transactor: one effect an event, whatever a batch holds and whenever SQL fails."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from runtime import deadletters
from runtime.db import Database
from runtime.deadletters import ATTEMPTS, Flood, Limits, Message
from runtime.effects import Transactor
from tests.integration.plumbing_set import Tally, installation, opened, submission, tallied


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with installation(tmp_path_factory.mktemp("guard") / "data") as (found, _):
        yield found


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    async with opened(url) as found:
        yield found


def elsewhere(message: Message) -> Message:
    """The same record at another offset."""
    return dataclasses.replace(message, offset=message.offset + 1_000_000)


async def test_twice_in_one_batch(db: Database) -> None:
    message = submission()
    outcome = await Transactor(db, Tally()).take([message, elsewhere(message)])
    assert (len(outcome.applied), len(outcome.duplicate)) == (1, 1)
    assert list((await tallied(db)).values()) == [1]
    assert await db.fetchval("select count(*) from outbox") == 1


async def test_again_in_a_later_batch(db: Database) -> None:
    worker, messages = Transactor(db, Tally()), [submission() for _ in range(5)]
    await worker.take(messages)
    outcome = await worker.take([elsewhere(each) for each in messages])
    assert len(outcome.duplicate) == 5 and not outcome.applied
    assert await db.fetchval("select count(*) from outbox") == 5


@pytest.mark.parametrize("broken", ["value", "key", "type", "no value"])
async def test_undecodable_keeps_its_bytes(db: Database, broken: str) -> None:
    good = submission()
    bad = {
        "value": dataclasses.replace(good, value=b"\xff{"),
        "key": dataclasses.replace(good, key=b"another"),
        "type": dataclasses.replace(good, headers=(("ce_type", b"Nothing"),)),
        "no value": dataclasses.replace(good, value=None),
    }[broken]
    neighbour = submission()
    outcome = await Transactor(db, Tally()).take([bad, neighbour])
    assert len(outcome.dead) == 1 and len(outcome.applied) == 1
    row = await db.fetchrow("select * from dead_letters")
    assert (row["topic"], row["partition"], row["offset"]) == (bad.topic, 0, bad.offset)
    assert (row["key"], row["value"]) == (bad.key, bad.value)
    assert row["reason"] and len(row["headers"]) == len(bad.headers)


async def test_what_sql_refuses_is_found_among_two_hundred(db: Database) -> None:
    messages = [submission() for _ in range(200)]
    messages[100] = submission("zero\x00byte")
    outcome = await Transactor(db, Tally()).take(messages)
    assert len(outcome.applied) == 199
    assert [letter.message for letter in outcome.dead] == [messages[100]]
    assert len(await tallied(db)) == 199
    row = await db.fetchrow("select * from dead_letters")
    assert row["value"] == messages[100].value and "SQL refuses it" in row["reason"]
    assert await db.fetchval("select count(*) from dead_letter_attempts") == 0
    again = await Transactor(db, Tally()).take([elsewhere(each) for each in messages])
    assert len(again.duplicate) == 199 and len(again.dead) == 1


async def test_the_culprit_is_tried_three_times_across_restarts(db: Database) -> None:
    culprit = submission("\x00")
    await deadletters.count_attempt(db, culprit)
    tally = Tally()
    outcome = await Transactor(db, tally).take([culprit])
    assert len(outcome.dead) == 1
    assert len(tally.sizes) == ATTEMPTS - 1


async def test_what_passes_by_itself_is_tried_again(db: Database) -> None:
    tally, failures = Tally(), [asyncpg.DeadlockDetectedError("victim"), ConnectionError("gone")]

    def fail() -> None:
        if failures:
            raise failures.pop()

    tally.before_save = fail
    worker = Transactor(db, tally)
    outcome = await worker.take([submission(), submission()])
    assert len(outcome.applied) == 2 and not outcome.dead
    assert worker.failing_since is None and tally.sizes == [2, 2, 2]


async def test_a_bug_is_passed_on_without_an_effect(db: Database) -> None:
    def bug() -> None:
        raise KeyError("nothing")

    tally = Tally()
    tally.before_save = bug
    with pytest.raises(KeyError):
        await Transactor(db, tally).take([submission()])
    assert await db.fetchval("select count(*) from inbox") == 0


@pytest.mark.parametrize(("days", "reason"), [(-15, "older"), (3, "future")])
async def test_beyond_the_horizon(db: Database, days: int, reason: str) -> None:
    message = submission(at=datetime.now(UTC) + timedelta(days=days))
    outcome = await Transactor(db, Tally()).take([message])
    assert reason in outcome.dead[0].reason and not outcome.applied
    assert not await tallied(db)


def test_a_flood_in_a_row() -> None:
    flood = Flood(Limits(max_in_row=3))
    for bad in (True, True, False, True, True):
        flood.count(0, bad=bad)
    assert flood.exceeded() is None
    flood.count(0, bad=True)
    assert flood.exceeded() == "3 dead letters in a row"
    flood.reset()
    assert flood.exceeded() is None


def test_a_flood_by_share() -> None:
    flood = Flood(Limits(max_ratio=0.05, min_events=100))
    for at in range(99):
        flood.count(at % 8, bad=at % 10 == 0)
    assert flood.exceeded() is None, "too few to judge"
    flood.count(1, bad=False)
    assert "of the last 100" in str(flood.exceeded())


async def test_a_halt_lasts_until_somebody_resumes(db: Database) -> None:
    await deadletters.halt(db, "submissions", "too many")
    await deadletters.halt(db, "submissions", "later reason")
    assert await deadletters.halted(db, "submissions") == "too many"
    assert await deadletters.halted(db, "reports") is None
    await db.execute("delete from halts")
    assert await deadletters.halted(db, "submissions") is None
