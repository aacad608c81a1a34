"""Cases become points once, in any order, under the month's cap; what falls is reversed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from contracts.cases import (
    Case,
    CaseAssigned,
    CaseChecked,
    CaseClosed,
    CaseFact,
    CaseRefused,
    CaseReopened,
    CaseVerified,
)
from contracts.observers import (
    DeviceLinked,
    ObserverErased,
    ObserverReinstated,
    ObserverSuspended,
)
from contracts.submissions import Media
from runtime.deadletters import Message
from runtime.effects import Transactor
from tests.cases import NOW, case, confirmed, observer, told
from tests.integration.rewards_set import Rewards, installation, opened
from tests.integration.service_set import Environment

PHOTO = (Media(id="a", kind="photo", content_type="image/jpeg"),)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("rewards")
    with installation(path / "data") as found:
        yield found


@pytest.fixture
async def rewards(env: Environment) -> AsyncIterator[Rewards]:
    async with opened(env) as found:
        yield found


def life(reporters: list[str]) -> list[tuple[type[CaseFact], Case]]:
    """Assigned, closed, reopened, closed again."""
    closed = case(reporters)
    assigned = replace(closed, state="assigned", seq=2, closed_at=None)
    reopened = replace(assigned, seq=10, round=2)
    again = replace(closed, seq=15, round=2, closed_at=NOW + timedelta(minutes=5))
    return [
        (CaseAssigned, assigned),
        (CaseVerified, replace(closed, state="verified", seq=8, closed_at=None)),
        (CaseClosed, closed),
        (CaseReopened, reopened),
        (CaseClosed, again),
    ]


async def test_first_and_joined_reporters_are_credited_when_the_case_is_closed(
    rewards: Rewards,
) -> None:
    first, second = await rewards.registered(2)
    facts = life([first, second, second])
    await rewards.give(*(told(fact, of) for fact, of in facts[:2]))
    assert await rewards.balance(first) == (0, 0)
    await rewards.give(told(*facts[2]))
    assert await rewards.balance(first) == (10, 0)
    assert await rewards.balance(second) == (1, 0)
    event = (await rewards.events(first))[0]
    report = facts[2][1].reports[0].report_id
    assert (event.type, event.subject, event.seq) == ("PointsCredited", first, 1)
    assert event.correlation_id == report


async def test_points_come_from_the_table_not_from_the_event(rewards: Rewards) -> None:
    first, second = await rewards.registered(2)
    await rewards.give(told(CaseClosed, case([first], category="01023")))
    await rewards.give(told(CaseClosed, case([second], category=None)))
    city = rewards.context.city
    assert await rewards.balance(first) == (city.points("01023"), 0)
    assert await rewards.balance(second) == (city.points("L-9999"), 0)


async def test_the_table_may_change_meanwhile(rewards: Rewards) -> None:
    """What was credited stays; what comes is worth what the files say now."""
    first, second = await rewards.registered(2)
    await rewards.give(told(CaseClosed, case([first], category="01023")))
    live, before = rewards.context.live, rewards.context.city
    live.now = replace(
        before,
        filed_under={
            code: replace(each, reward_points=each.reward_points + 7)
            for code, each in before.filed_under.items()
        },
    )
    await rewards.give(told(CaseClosed, case([second], category="01023")))
    assert await rewards.balance(first) == (before.points("01023"), 0)
    assert await rewards.balance(second) == (before.points("01023") + 7, 0)


async def test_reopened_is_reversed_and_closed_again_is_credited(rewards: Rewards) -> None:
    (first,) = await rewards.registered()
    await rewards.give(*(told(fact, of) for fact, of in life([first])))
    assert await rewards.lines(first) == [
        ("first-report", 1, 10, 0),
        ("first-report-reversed", 1, -10, 0),
        ("first-report", 2, 10, 0),
    ]
    events = await rewards.events(first)
    assert [(event.type, event.seq) for event in events] == [
        ("PointsCredited", 1),
        ("PointsReversed", 2),
        ("PointsCredited", 3),
    ]


async def test_every_order_and_repetition_of_a_life_ends_the_same(rewards: Rewards) -> None:
    for order in itertools.permutations(range(5)):
        (first,) = await rewards.registered()
        facts = life([first])
        messages = [told(*facts[at]) for at in order]
        for message in (*messages, *messages[:2]):
            await rewards.give(message)
        assert await rewards.balance(first) == (10, 0), order


async def test_a_replay_beyond_the_inbox_changes_nothing(rewards: Rewards) -> None:
    (first,) = await rewards.registered()
    messages = [told(fact, of) for fact, of in life([first])]
    await rewards.give(*messages)
    before = await rewards.sql("select * from ledger order by id")
    await rewards.sql("truncate inbox")
    await rewards.give(*messages)
    await rewards.sql("truncate inbox")
    await rewards.sql("update cases set seq = 0")
    await rewards.give(messages[-1])
    assert await rewards.sql("select * from ledger order by id") == before


async def test_the_cap_is_exact_through_two_workers(rewards: Rewards) -> None:
    """50 closed cases of 10 points and a cap of 300: exactly 300, whoever comes first."""
    (reporter,) = await rewards.registered()
    messages = [told(CaseClosed, case([reporter])) for _ in range(50)]

    async def one_by_one(worker: Transactor, mine: list[Message], size: int) -> None:
        for at in range(0, len(mine), size):
            await worker.take(mine[at : at + size])

    await asyncio.gather(
        one_by_one(rewards.worker, messages[::2], 1),
        one_by_one(rewards.another_worker(), messages[1::2], 3),
    )
    assert await rewards.balance(reporter) == (300, 0)
    answer = (await rewards.client("reporter", reporter).get("/v1/me/points")).json()
    assert (answer["month_points"], answer["beyond_cap"], answer["cap"]) == (300, 200, 300)
    events = await rewards.events(reporter)
    assert [event.seq for event in events] == list(range(1, 51))
    assert sum(event.body.capped for event in events) == 200  # type: ignore[attr-defined]
    assert [event.body.balance for event in events][-1] == 300  # type: ignore[attr-defined]


async def test_what_a_reversal_frees_under_the_cap_is_filled(rewards: Rewards) -> None:
    """35 cases of 10, then 3 and 10 fall: min(300, 320) and min(300, 220)."""
    (reporter,) = await rewards.registered()
    cases = [case([reporter]) for _ in range(35)]
    await rewards.give(*(told(CaseClosed, each) for each in cases))
    for fallen, balance in ((cases[:3], 300), (cases[3:13], 220)):
        reopened = [replace(e, state="assigned", round=2, seq=10, closed_at=None) for e in fallen]
        await rewards.give(*(told(CaseReopened, each) for each in reopened))
        assert await rewards.balance(reporter) == (balance, 0)


async def test_a_month_is_the_citys(rewards: Rewards) -> None:
    """15:59 UTC and 16:01 UTC of a month's last day are two months in Xi'an."""
    (reporter,) = await rewards.registered()
    before = NOW.replace(month=10, day=31, hour=15, minute=59)
    for at in (before, before + timedelta(minutes=2)):
        await rewards.give(told(CaseClosed, case([reporter], closed_at=at)))
    rows = await rewards.sql("select month from months where reporter_id = $1 order by 1", reporter)
    assert [row["month"][5:] for row in rows] == ["10", "11"]


async def test_an_anonymous_reporters_points_wait_for_the_registration(rewards: Rewards) -> None:
    reporter = str(uuid4())
    of = case([reporter])
    await rewards.give(told(CaseClosed, of))
    assert await rewards.balance(reporter) == (0, 10)
    news = confirmed(reporter)
    await rewards.give(news, news)
    assert await rewards.balance(reporter) == (10, 0)
    assert await rewards.lines(reporter) == [
        ("first-report-held", 1, 0, 10),
        ("first-report", 1, 10, -10),
    ]
    events = await rewards.events(reporter)
    assert [(e.type, e.seq, e.correlation_id) for e in events] == [
        ("PointsHeld", 1, of.reports[0].report_id),
        ("PointsReleased", 2, of.reports[0].report_id),
    ]
    assert [e.body.points for e in events] == [10, 10]  # type: ignore[attr-defined]


async def test_held_points_of_a_reopened_case_are_reversed(rewards: Rewards) -> None:
    reporter = str(uuid4())
    await rewards.give(*(told(fact, of) for fact, of in life([reporter])[:4]))
    assert await rewards.balance(reporter) == (0, 0)
    last = (await rewards.events(reporter))[-1]
    assert (last.type, last.body.points, last.body.held) == ("PointsReversed", 0, 10)  # type: ignore[attr-defined]
    await rewards.give(confirmed(reporter))
    assert await rewards.balance(reporter) == (0, 0)


async def test_more_than_the_cap_released_at_once_is_capped(rewards: Rewards) -> None:
    reporter = str(uuid4())
    await rewards.give(*(told(CaseClosed, case([reporter])) for _ in range(40)))
    assert await rewards.balance(reporter) == (0, 400)
    await rewards.give(confirmed(reporter))
    assert await rewards.balance(reporter) == (300, 0)


async def test_a_suspended_or_erased_observer_earns_nothing(rewards: Rewards) -> None:
    suspended, erased = await rewards.registered(2)
    await rewards.give(
        observer(ObserverSuspended, suspended, 3, reason="r"), observer(ObserverErased, erased, 3)
    )
    closed = case([suspended, erased])
    await rewards.give(told(CaseClosed, closed))
    await rewards.give(observer(ObserverReinstated, suspended, 4, reason="r"))
    # Another event of the closed case must not bring back what was not earned.
    await rewards.give(told(CaseClosed, replace(closed, seq=10)))
    assert (await rewards.balance(suspended), await rewards.balance(erased)) == ((0, 0), (0, 0))
    assert await rewards.events(suspended) == []
    await rewards.give(told(CaseClosed, case([suspended])))
    assert await rewards.balance(suspended) == (10, 0)


async def test_a_false_report_is_a_strike_and_three_hold_what_comes(rewards: Rewards) -> None:
    (reporter,) = await rewards.registered()
    refused = [case([reporter], state="refused", refusal="false-report") for _ in range(3)]
    await rewards.give(*(told(CaseRefused, each) for each in refused))
    other = case([reporter], state="refused", refusal="nothing-there")
    await rewards.give(told(CaseRefused, other))
    struck = await rewards.events(reporter)
    assert [(e.type, e.body.strikes, e.body.points) for e in struck] == [  # type: ignore[attr-defined]
        ("ObserverStruck", n, 0) for n in (1, 2, 3)
    ]
    await rewards.give(told(CaseClosed, case([reporter])))
    assert await rewards.balance(reporter) == (0, 10)
    # Refused wrongly: the strike is taken back, and points come at once again.
    wrong = replace(refused[0], state="assigned", refusal=None, round=2, seq=10)
    await rewards.give(told(CaseReopened, wrong), told(CaseClosed, case([reporter])))
    assert await rewards.balance(reporter) == (10, 10)


async def test_a_check_with_a_fresh_photo_is_worth_two_once_a_round(rewards: Rewards) -> None:
    first, checker = await rewards.registered(2)
    resolved = case([first], state="resolved", closed_at=None)
    for seq, who, media in ((9, checker, PHOTO), (10, checker, PHOTO), (11, first, PHOTO)):
        of = replace(resolved, seq=seq)
        await rewards.give(told(CaseChecked, of, reporter_id=who, fixed=True, media=media))
    without = replace(resolved, seq=12, round=2)
    await rewards.give(told(CaseChecked, without, reporter_id=checker, fixed=True))
    assert (await rewards.balance(first), await rewards.balance(checker)) == ((0, 0), (2, 0))
    # The check was made, whatever becomes of the case.
    await rewards.give(told(CaseReopened, replace(resolved, state="assigned", seq=13, round=2)))
    assert await rewards.balance(checker) == (2, 0)


async def test_poison_among_good_events(rewards: Rewards) -> None:
    (reporter,) = await rewards.registered()
    good = [told(CaseClosed, case([reporter])) for _ in range(6)]
    nul = told(CaseClosed, case(["a\0b"]))
    no_uuid = told(CaseClosed, case([reporter], id="no-uuid"))
    empty = told(CaseClosed, case([]))
    outcome = await rewards.give(*good[:3], nul, no_uuid, empty, *good[3:])
    assert (len(outcome.applied), len(outcome.dead)) == (7, 2)
    assert await rewards.balance(reporter) == (60, 0)


async def test_the_ledger_is_append_only(rewards: Rewards) -> None:
    (reporter,) = await rewards.registered()
    await rewards.give(told(CaseClosed, case([reporter])))
    for change in ("update ledger set points = 1000", "delete from ledger"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await rewards.sql(change)


async def test_how_fast_cases_are_booked(rewards: Rewards) -> None:
    """Prints events a second at batch 200; holds a floor that only a mistake goes below."""
    reporters = await rewards.registered(200)
    facts = [pair for at in range(400) for pair in life([reporters[at % 200]])]
    messages = [told(fact, of) for fact, of in facts]
    started = asyncio.get_running_loop().time()
    for at in range(0, len(messages), 200):
        await rewards.give(*messages[at : at + 200])
    seconds = asyncio.get_running_loop().time() - started
    print(f"rewards: {len(messages) / seconds:.0f} events/s at batch 200")
    total = await rewards.sql("select sum(balance) as n from accounts")
    assert total[0]["n"] == 400 * 10
    assert len(messages) / seconds > 100


async def test_what_an_erased_person_earned_stays_as_it_is(rewards: Rewards) -> None:
    mine, other = await rewards.registered(2)
    closed = case([mine, other])
    await rewards.give(told(CaseClosed, closed))
    before = await rewards.lines(mine), await rewards.balance(other)
    await rewards.give(observer(ObserverErased, mine, 3))
    await rewards.give(told(CaseClosed, replace(closed, seq=closed.seq + 1)))
    assert (await rewards.lines(mine), await rewards.balance(other)) == before
    assert await rewards.sql("select from accounts where reporter_id = 'erased'") == []


async def test_what_waits_for_a_device_waits_for_the_person_it_joins(rewards: Rewards) -> None:
    device, person = str(uuid4()), str(uuid4())
    alone, shared = case([device]), case([device, person])
    await rewards.give(told(CaseClosed, alone), told(CaseClosed, shared))
    assert (await rewards.balance(device), await rewards.balance(person)) == ((0, 20), (0, 1))
    joins = observer(DeviceLinked, person, 1, from_reporter_id=device)
    await rewards.give(joins)
    assert (await rewards.balance(device), await rewards.balance(person)) == ((0, 0), (0, 21))
    await rewards.sql("truncate inbox")
    later = replace(shared, seq=shared.seq + 1)
    await rewards.give(joins, told(CaseClosed, alone), told(CaseClosed, later))
    assert await rewards.balance(person) == (0, 20)  # one person, one report of one matter
    await rewards.give(confirmed(person), told(CaseClosed, case([device])))
    assert (await rewards.balance(device), await rewards.balance(person)) == ((0, 0), (30, 0))
