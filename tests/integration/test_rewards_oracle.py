"""Whatever the order, whoever works: the ledger is what the rules say of the last states."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace

from contracts.cases import CaseAssigned, CaseClosed, CaseRefused, CaseReopened
from runtime.deadletters import Message
from runtime.effects import Transactor
from services.rewards.handlers import Points
from tests.cases import NOW, case, confirmed, told
from tests.golden import examples
from tests.integration.rewards_set import Rewards, installation, opened
from tests.integration.service_set import Environment
from yizhan.ledger_command import checked

CAP = 300


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("rewards")
    with installation(path / "data") as found:
        yield found


@pytest.fixture
async def rewards(env: Environment) -> AsyncIterator[Rewards]:
    async with opened(env) as found:
        yield found


def lives(chance: random.Random, people: list[str]) -> tuple[list[Message], Counter[str]]:
    """500 cases that end closed, reopened, closed again or refused; and what is due to whom."""
    messages: list[Message] = []
    due: Counter[str] = Counter()
    for _ in range(500):
        who = chance.sample(people, chance.randint(1, 3))
        closed = case(who)
        opening = replace(closed, state="assigned", seq=2, closed_at=None)
        reopened = replace(opening, seq=10, round=2)
        again = replace(closed, seq=15, round=2, closed_at=NOW + timedelta(seconds=1))
        refused = replace(reopened, seq=15, state="refused", refusal="nothing-there")
        life = [told(CaseAssigned, opening), told(CaseClosed, closed)]
        end = chance.choice(("closed", "reopened", "again", "refused"))
        if end != "closed":
            life.append(told(CaseReopened, reopened))
        if end == "again":
            life.append(told(CaseClosed, again))
        if end == "refused":
            life.append(told(CaseRefused, refused))
        if end in ("closed", "again"):
            due.update({who[0]: 10} | dict.fromkeys(who[1:], 1))
        messages += life
    return messages, due


@pytest.mark.parametrize("seed", [1, 2])
async def test_shuffled_and_repeated_through_three_workers(
    rewards: Rewards, env: Environment, seed: int
) -> None:
    chance = random.Random(seed)
    people = [str(uuid4()) for _ in range(8)]
    messages, due = lives(chance, people)
    registered = people[:6]
    parts = [messages + chance.sample(messages, 100) for _ in range(2)]
    for part in parts:
        chance.shuffle(part)
    parts.append([confirmed(each) for each in registered] * 2)

    async def work(worker: Transactor, mine: list[Message], size: int) -> None:
        for at in range(0, len(mine), size):
            outcome = await worker.take(mine[at : at + size])
            assert not outcome.dead

    await asyncio.gather(
        *(work(rewards.another_worker(), part, 5 + 3 * n) for n, part in enumerate(parts))
    )
    for person in people:
        waits = person not in registered
        expected = (0, due[person]) if waits else (min(CAP, due[person]), 0)
        assert await rewards.balance(person) == expected
        seqs = [event.seq for event in await rewards.events(person)]
        assert seqs == list(range(1, len(seqs) + 1))
    assert max(due.values()) > CAP
    assert checked(env["YIZHAN_REWARDS_DATABASE_URL"])[1] == []


async def test_the_golden_events_twice_are_the_golden_events_once(
    rewards: Rewards, env: Environment
) -> None:
    """Beside the inbox, which would not let them in twice: the business keys hold."""
    effects = Points(rewards.context.live)
    events = [golden.event() for golden in examples("observers", "cases")]
    events.sort(key=lambda event: event.occurred_at)
    ledgers = []
    for _ in range(2):
        for event in events:
            async with rewards.context.db.transaction() as connection:
                state = await effects.load(connection, [event])
                effects.apply(state, event)
                await effects.save(connection, state)
        ledgers.append(await rewards.sql("select * from ledger order by id"))
        assert checked(env["YIZHAN_REWARDS_DATABASE_URL"])[1] == []
    assert ledgers[0] == ledgers[1]
    assert {row["reason"] for row in ledgers[0]} >= {"check-held", "first-report"}
