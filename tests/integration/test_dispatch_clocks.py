"""Clocks on a real PostgreSQL: each milestone once, whoever ticks, and in order after an outage."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace as replaced

from contracts.city import WorkCalendar
from runtime import outbox
from runtime.db import Database
from services.dispatch.adapters.queue_sql import CLAIM_CLOCKS_SQL, DUE_SQL
from services.dispatch.timers import calendar_arrived, clocks_due
from tests.integration.case_actions import done, post
from tests.integration.dispatch_set import XIAOZHAI, Dispatch, installation, message, opened, report
from tests.integration.service_set import Environment

CASES = 150

# All instants of a case some time earlier, as if the timers had been away for so long.
EARLIER_SQL = """
update cases set due_at = due_at - $1::interval, opened_at = opened_at - $1::interval,
    body = jsonb_set(jsonb_set(jsonb_set(body,
        '{opened_at}', to_jsonb((body ->> 'opened_at')::timestamptz - $1::interval)),
        '{clocks,start}', to_jsonb((body #>> '{clocks,start}')::timestamptz - $1::interval)),
        '{clocks,accept_by}',
            to_jsonb((body #>> '{clocks,accept_by}')::timestamptz - $1::interval))
"""

SAFE_EARLIER_SQL = """
update cases set body = jsonb_set(body, '{clocks,make_safe_by}',
    to_jsonb((body #>> '{clocks,make_safe_by}')::timestamptz - $1::interval))
where make_safe_by is not null
"""


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("clocks")
    with installation(path / "data") as told:
        yield told


@pytest.fixture
async def dispatch(env: Environment) -> AsyncIterator[Dispatch]:
    async with opened(env) as found:
        await found.sql("truncate cases, case_reports, case_events, inbox, outbox")
        yield found


async def tick(dispatch: Dispatch, db: Database | None = None, limit: int = 100) -> int:
    context = dispatch.context
    return await clocks_due(db or context.db, context.city, context.areas, limit)


async def earlier(dispatch: Dispatch, by: timedelta) -> None:
    """As if that much time had passed without a tick."""
    await dispatch.sql(EARLIER_SQL, by)
    await dispatch.sql(SAFE_EARLIER_SQL, by)


async def many(dispatch: Dispatch) -> None:
    """Street lamps (48 h round the clock, dangerous or not) that no duplicate rule joins."""
    reports = [report(category="01037", lat=XIAOZHAI[0] + n * 0.0006) for n in range(CASES)]
    await dispatch.give(*(message(each) for each in reports))


async def types_of(dispatch: Dispatch) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    seqs: dict[str, list[int]] = {}
    for event in await dispatch.events():
        found.setdefault(event.subject, []).append(event.type)
        seqs.setdefault(event.subject, []).append(event.seq)
    assert all(each == list(range(1, len(each) + 1)) for each in seqs.values())
    return found


async def test_several_workers_say_everything_once(dispatch: Dispatch, env: Environment) -> None:
    await many(dispatch)
    assert await tick(dispatch) == 0
    await earlier(dispatch, timedelta(hours=49))
    workers = [
        await Database.connect(env["YIZHAN_DISPATCH_DATABASE_URL"], schema="dispatch", size=1)
        for _ in range(4)
    ]
    stop = asyncio.Event()

    claimed = [0] * len(workers)

    async def work(n: int) -> None:
        while not stop.is_set():
            claimed[n] += await tick(dispatch, workers[n], limit=7)
            await asyncio.sleep(0)

    async def until_quiet() -> None:
        due = "select count(*) as n from cases where due_at <= clock_timestamp()"
        async with asyncio.timeout(60):
            while (await dispatch.sql(due))[0]["n"]:
                await asyncio.sleep(0.05)
        stop.set()

    try:
        await asyncio.gather(*(work(n) for n in range(len(workers))), until_quiet())
    finally:
        for db in workers:
            await db.close()
    assert sum(claimed) == CASES
    assert min(claimed) > 0
    types = await types_of(dispatch)
    assert len(types) == CASES
    said = {tuple(each[2:]) for each in types.values()}
    assert all(Counter(each)["CaseWarned"] == Counter(each)["CaseOverdue"] == 1 for each in said)
    assert all(each.index("CaseWarned") < each.index("CaseOverdue") for each in said)
    lines = await dispatch.sql("select count(*) as n from case_events")
    assert lines[0]["n"] == sum(len(each) for each in types.values())


@pytest.mark.parametrize(
    ("sql", "column"), [(CLAIM_CLOCKS_SQL, "due_at"), (DUE_SQL, "verify_due_at")]
)
async def test_what_is_due_is_found_by_its_index(dispatch: Dispatch, sql: str, column: str) -> None:
    """A volatile clock could not be an index's condition: every running case was looked at."""
    async with dispatch.context.db.transaction("set local enable_seqscan = off") as connection:
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain {sql}", 100))
    assert f"Index Cond: ({column} <= statement_timestamp())" in plan, plan


async def test_after_an_hours_outage(dispatch: Dispatch) -> None:
    _, case = await dispatch.opened(category="01023")  # danger: at any hour
    await earlier(dispatch, timedelta(hours=9))
    assert await tick(dispatch) == 1
    assert await tick(dispatch) == 0
    events = [event for event in await dispatch.events() if event.subject == case["id"]]
    # 15 min to accept, 1 h to make safe, 6 h to resolve: what fell due first is said first.
    told = [(event.type, event.body.reason, event.seq) for event in events[2:]]  # type: ignore[attr-defined]
    assert told == [
        ("CaseEscalated", "not-accepted", 3),
        ("CaseEscalated", "not-made-safe", 4),
        ("CaseWarned", None, 5),
        ("CaseOverdue", None, 6),
    ]
    street = dispatch.handler(case["community"][:9])
    seen = (await street.get(f"/v1/cases/{case['id']}")).json()
    assert seen["allowed"] == ["comment"]
    await done(street, seen, "comment", note="尽快")
    assert (await post(street, seen, "accept")).status_code == 403


async def test_a_crash_before_the_commit_says_nothing_and_loses_nothing(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, case = await dispatch.opened(category="01023")
    await earlier(dispatch, timedelta(hours=7))
    append = outbox.append

    async def dies(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(outbox, "append", dies)
    with pytest.raises(RuntimeError):
        await tick(dispatch)
    monkeypatch.setattr(outbox, "append", append)
    assert len(await dispatch.events()) == 2
    assert await tick(dispatch) == 1
    assert "CaseOverdue" in (await types_of(dispatch))[case["id"]]


async def test_no_word_while_the_clock_stands_still(dispatch: Dispatch) -> None:
    _, case = await dispatch.opened(category="01023")
    handler = dispatch.handler(case["community"])
    case = await done(handler, case, "accept")
    case = await done(handler, case, "made-safe")
    case = await done(handler, case, "suspend", reason="weather")
    rows = await dispatch.sql("select due_at from cases")
    assert rows[0]["due_at"] is None
    case = await done(handler, case, "resume")
    rows = await dispatch.sql("select due_at, resolve_by from cases")
    assert rows[0]["due_at"] < rows[0]["resolve_by"]


async def test_the_year_arrives(dispatch: Dispatch) -> None:
    context, known = dispatch.context, dispatch.context.city
    unknown = replaced(known, calendar=WorkCalendar(known=frozenset()))
    live = context.live
    live.now = dataclasses.replace(live.now, city=unknown)
    _, case = await dispatch.opened(category="04013")
    assert case["clocks"]["provisional"]
    assert await calendar_arrived(context.db, unknown) == 0
    arrived = replaced(known, calendar=WorkCalendar())
    assert await calendar_arrived(context.db, arrived) == 1
    assert await calendar_arrived(context.db, arrived) == 0
    rows = await dispatch.sql("select provisional from cases")
    assert [row["provisional"] for row in rows] == [False]
    assert (await dispatch.events())[-1].body.reason == "calendar-arrived"  # type: ignore[attr-defined]
