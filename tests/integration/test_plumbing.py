"""Jobs, timers, keys, partitions and feeds on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from runtime import feed, idempotency, jobs, outbox, sse, upkeep
from runtime.db import Connection, Database
from runtime.errors import Problem
from runtime.feed import FeedItem, FeedReader, Reset
from runtime.idempotency import Answer, request_hash
from runtime.jobs import Commit, GiveUp, Job, JobRunner, NewJob, Retry
from runtime.outbox import Outgoing
from runtime.plumbing import HORIZON_DAYS
from runtime.relay import _UNSENT, DIRECT_GRACE_S, _row, mark_sent, mark_sql
from runtime.tasks import end
from runtime.timers import Timer
from tests.integration.plumbing_set import SCHEMA, answer, installation, opened, tallied, until

_FILL = """
insert into feed (day, position, feed, feed_no, event_id, type, value)
select current_date, nextval('feed_position'), 'filled', n, gen_random_uuid(), 't',
       repeat('x', 1000)::bytea
from generate_series(1, $1) as n
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with installation(tmp_path_factory.mktemp("plumbing") / "data") as (found, _):
        yield found


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    async with opened(url) as found:
        yield found


def add(ref: str) -> Commit:
    """An effect that can be counted."""

    async def commit(connection: Connection) -> None:
        await connection.execute("insert into tally values ($1::text::uuid, 'done')", ref)

    return commit


def runner(work: Callable[[Job], Awaitable[Commit]], **more: float) -> JobRunner:
    async def handle(_: Database, job: Job) -> Commit:
        return await work(job)

    async def given_up(_: Database, job: Job) -> Commit:
        return add(job.ref)

    return JobRunner({"k": handle}, {"k": given_up}, **more)  # type: ignore[arg-type]


async def enqueued(db: Database, *, times: int = 1) -> str:
    ref = str(uuid4())
    async with db.transaction() as connection:
        for _ in range(times):
            await jobs.enqueue(connection, [NewJob("k", ref, {"a": 1})])
    return ref


async def one(db: Database, run: JobRunner) -> bool:
    return await run._one(db, lambda: None)


async def test_a_job_is_done_once_and_gone(db: Database) -> None:
    ref = await enqueued(db, times=2)

    async def work(job: Job) -> Commit:
        assert job.payload == {"a": 1} and job.attempt == 1
        return add(job.ref)

    run = runner(work)
    assert await one(db, run) and not await one(db, run)
    assert await tallied(db) == {ref: 1}


async def test_a_lost_lease_has_no_effect(db: Database) -> None:
    await enqueued(db)

    async def slow(job: Job) -> Commit:
        await db.execute("update jobs set lease = gen_random_uuid()")  # a rival took it over
        return add(job.ref)

    assert await one(db, runner(slow))
    assert not await tallied(db)
    assert await db.fetchval("select count(*) from jobs") == 1


async def test_later_then_given_up_with_the_reason(db: Database) -> None:
    ref = await enqueued(db)

    async def never(_: Job) -> Commit:
        raise Retry("mailbox is full")

    run = runner(never, max_attempts=3, first_delay_s=60.0)
    delays = []
    for _ in range(3):
        await db.execute("update jobs set due_at = clock_timestamp()")
        assert await one(db, run)
        delays.append(await db.fetchval("select due_at - clock_timestamp() from jobs"))
    assert timedelta(seconds=50) < delays[0] < timedelta(seconds=61)
    assert timedelta(seconds=110) < delays[1] < timedelta(seconds=121)
    row = await db.fetchrow("select * from jobs")
    assert row["given_up"] and row["reason"] == "mailbox is full"
    assert await tallied(db) == {ref: 1}
    await db.execute("update jobs set due_at = clock_timestamp()")
    assert not await one(db, run)


async def test_given_up_at_once(db: Database) -> None:
    ref = await enqueued(db)

    async def no(_: Job) -> Commit:
        raise GiveUp("not a photo")

    assert await one(db, runner(no))
    assert await db.fetchval("select reason from jobs where given_up") == "not a photo"
    assert await tallied(db) == {ref: 1}


async def test_two_workers_share_the_jobs(db: Database) -> None:
    refs = [await enqueued(db) for _ in range(40)]

    async def work(job: Job) -> Commit:
        return add(job.ref)

    async def drain() -> None:
        while await one(db, runner(work)):
            pass

    await asyncio.gather(drain(), drain(), drain())
    assert await tallied(db) == dict.fromkeys(refs, 1)


async def test_a_timer_goes_on_until_nothing_is_due(db: Database) -> None:
    left, committed = [3, 2, 0, 0], asyncio.Event()
    ticks: list[int] = []

    async def tick(_: Database) -> int:
        if not ticks:
            ticks.append(-1)
            raise ConnectionError("the database is away")
        ticks.append(left.pop(0) if left else 0)
        return ticks[-1]

    task = asyncio.create_task(Timer("t", 60.0, tick).run(db, committed.set))
    await until(lambda: ticks[-1:] == [0])
    task.cancel()
    assert ticks == [-1, 3, 2, 0] and committed.is_set()


async def asked(db: Database, key: str, body: str, made: Callable[[], str]) -> Answer:
    """What a route does with a key."""
    async with db.transaction() as connection:
        done = await idempotency.claim(connection, "me", key, request_hash(body))
        if done is not None:
            return done
        given = Answer.of(202, {"id": made()})
        await idempotency.store(connection, "me", key, given)
        return given


async def test_fifty_at_once_with_one_key_get_one_answer(db: Database) -> None:
    made = []

    def make() -> str:
        made.append(str(uuid4()))
        return made[-1]

    answers = await asyncio.gather(*(asked(db, "k", "same", make) for _ in range(50)))
    assert len(set(answers)) == 1 and len(made) == 1


async def test_another_body_under_the_same_key(db: Database) -> None:
    await asked(db, "k", "one", lambda: "1")
    with pytest.raises(Problem) as caught:
        await asked(db, "k", "other", lambda: "2")
    assert caught.value.kind.status == 422


async def test_a_failed_action_leaves_its_key_free(db: Database) -> None:
    def fail() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        await asked(db, "k", "one", fail)
    assert (await asked(db, "k", "one", lambda: "2")).status == 202


async def test_partitions_come_and_go(db: Database) -> None:
    old = f"current_date - {HORIZON_DAYS + 3}"
    await db.execute(f"select make_partitions({old}, {old} + 1)")
    await db.execute(
        "insert into outbox (day, event_id, topic, key, headers, value)"
        f" values ({old}, gen_random_uuid(), 't', '', '{{}}', '')"
    )
    await upkeep.once(db)
    names = {
        row["name"]
        for row in await db.fetch(
            f"select relname as name from pg_class where right(relname, 8) = any("
            f"array[to_char({old}, 'YYYYMMDD'), to_char({old} + 1, 'YYYYMMDD')])"
        )
    }
    assert len([each for each in names if each.startswith("outbox_")]) == 1, "unsent rows stay"
    assert not [each for each in names if each.startswith(("inbox_", "feed_"))]
    await db.execute("update outbox set sent_at = now()")
    await upkeep.once(db)
    ahead = await db.fetchval(
        "select count(*) from pg_class where relname ~ '^inbox_[0-9]+$' and relkind = 'r'"
    )
    assert ahead == HORIZON_DAYS + 3
    assert not await db.fetchval("select count(*) from outbox")


async def shown(db: Database, count: int) -> None:
    """Events on feed `all`, marked as the relay marks them."""
    outgoing = [Outgoing(answer(str(uuid4())), ("all",)) for _ in range(count)]
    async with db.transaction() as connection:
        await outbox.append(connection, outgoing)
    async with db.connection() as connection:
        rows = [_row(each) for each in await connection.fetch(_UNSENT, 5000, DIRECT_GRACE_S)]
        await mark_sent(connection, SCHEMA, rows)


@pytest.fixture
async def feeds(db: Database) -> AsyncIterator[FeedReader]:
    reader = FeedReader(db)
    following = asyncio.create_task(reader.run())
    yield reader
    await end(following)


async def first(items: AsyncIterator[FeedItem | Reset], count: int) -> list[FeedItem | Reset]:
    async with asyncio.timeout(30):
        return [await anext(items) for _ in range(count)]


async def test_feed_numbers_have_no_gap(db: Database) -> None:
    await shown(db, 7)
    await shown(db, 5)
    numbers = [row["feed_no"] for row in await db.fetch("select feed_no from feed order by 1")]
    assert numbers == list(range(1, 13))


async def test_what_is_new_is_found_by_its_position(db: Database) -> None:
    """Before any analyze, and in spite of many partitions."""
    async with db.connection() as connection:
        await connection.execute(_FILL, 5000)
        newest = await connection.fetchval(feed._HEAD) - 1
        plan = "\n".join(r[0] for r in await connection.fetch(f"explain {feed._NEW}", newest, 1000))
    assert "Seq Scan" not in plan, plan


async def test_sent_rows_are_marked_at_the_same_cost_however_many_went_before(
    db: Database,
) -> None:
    """Until a vacuum the index of what is unsent still has them; nobody reads through it."""
    await shown(db, 3000)
    await shown(db, 3000)
    day = await db.fetchval("select max(day) from outbox")
    ids = [row["id"] for row in await db.fetch("select id from outbox order by id desc limit 2")]
    async with db.connection() as connection:
        plan = "\n".join(r[0] for r in await connection.fetch(f"explain {mark_sql(day)}", ids))
    assert "Index Cond: (id = ANY" in plan and "Seq Scan" not in plan, plan


async def test_due_jobs_are_found_by_their_index(db: Database) -> None:
    async with db.transaction("set local enable_seqscan = off") as connection:
        values = (["kind"], uuid4(), 30.0)
        plan = "\n".join(r[0] for r in await connection.fetch(f"explain {jobs._LEASE}", *values))
    assert "(due_at <= statement_timestamp())" in plan.split("Index Cond", 1)[1], plan


async def test_a_stream_goes_on_after_its_last_event(db: Database, feeds: FeedReader) -> None:
    await shown(db, 10)
    items = feeds.subscribe("all", after=7)
    known = await first(items, 3)
    await shown(db, 2)
    live = await first(items, 2)
    assert [each.feed_no for each in known + live] == [8, 9, 10, 11, 12]


@pytest.mark.parametrize("after", [3, 10_000])
async def test_a_place_too_old_or_unknown_is_reset(
    db: Database, feeds: FeedReader, after: int
) -> None:
    await shown(db, feed.RING + 100)
    found = (await first(feeds.subscribe("all", after=after), 1))[0]
    assert isinstance(found, Reset) and found.feed_no == feed.RING + 100


async def test_a_slow_client_is_cut(db: Database, feeds: FeedReader) -> None:
    await shown(db, 1)
    items = feeds.subscribe("all", after=0)
    await first(items, 1)
    ring = feeds._rings["all"]
    for _ in range(3):
        await shown(db, 500)
    await until(lambda: not ring.listeners)
    left = [each async for each in items]
    assert len(left) < 1500


async def test_a_stream_ends_with_its_token(db: Database, feeds: FeedReader) -> None:
    answered = sse.response(
        feeds.subscribe("all", after=None),
        lambda item: item.body,
        service=SCHEMA,
        until=time.time() + 0.3,
    )
    async with asyncio.timeout(30):
        chunks = [chunk async for chunk in answered.body_iterator]
    assert chunks[0] == b"retry: 2000\n\n"
    assert not feeds._rings["all"].listeners
