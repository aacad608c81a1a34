"""Slow work beside the stream: leased rows, tried with backoff, finished exactly once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from runtime import metrics
from runtime.backoff import Backoff
from runtime.db import Connection, Database, is_transient

POLL_S = 0.5

log = logging.getLogger(__name__)

_ENQUEUE = """
insert into jobs (kind, ref, payload, due_at)
select kind, ref, payload, clock_timestamp() + make_interval(secs => delay_s)
from unnest($1::text[], $2::text[], $3::jsonb[], $4::float8[]) as job (kind, ref, payload, delay_s)
order by kind, ref
on conflict do nothing
"""
_LEASE = """
update jobs set lease = $2, attempts = attempts + 1,
                due_at = clock_timestamp() + make_interval(secs => $3)
where id = (
    select id from jobs
    where kind = any ($1::text[]) and not given_up and due_at <= statement_timestamp()
    order by due_at limit 1 for update skip locked
)
returning id, kind, ref, payload, attempts
"""
_DONE = "delete from jobs where id = $1 and lease = $2 returning true"
_LATER = """
update jobs set lease = null, reason = $3, due_at = clock_timestamp() + make_interval(secs => $4)
where id = $1 and lease = $2
"""
_GIVE_UP = """
update jobs set lease = null, reason = $3, given_up = true
where id = $1 and lease = $2 returning true
"""


@dataclass(frozen=True)
class NewJob:
    """Work to be done; a second one with the same kind and ref is ignored."""

    kind: str
    ref: str
    payload: Mapping[str, Any]
    delay_s: float = 0.0


@dataclass(frozen=True)
class Job:
    """A leased job; `attempt` counts from 1."""

    id: int
    kind: str
    ref: str
    payload: Mapping[str, Any]
    attempt: int


Commit = Callable[[Connection], Awaitable[None]]
"""The job's effect, run in the transaction that also removes the job."""
Handler = Callable[[Database, Job], Awaitable[Commit]]


class Retry(Exception):
    """Not now: try again later, and not before `after_s` seconds when the other side said so."""

    def __init__(self, reason: str = "", after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.after_s = after_s


class GiveUp(Exception):
    """Never: `commit` is the effect of giving up."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_written: ContextVar[list[NewJob] | None] = ContextVar("written", default=None)


@contextmanager
def written() -> Iterator[list[NewJob]]:
    """The jobs that this task writes within: whoever commits them knows whom to wake."""
    jobs: list[NewJob] = []
    token = _written.set(jobs)
    try:
        yield jobs
    finally:
        _written.reset(token)


def note(jobs: Sequence[NewJob]) -> None:
    """Jobs were written."""
    if (noted := _written.get()) is not None:
        noted += jobs


async def enqueue(connection: Connection, jobs: Sequence[NewJob]) -> None:
    """Writes the jobs in the caller's transaction."""
    note(jobs)
    if jobs:
        await connection.execute(
            _ENQUEUE,
            [job.kind for job in jobs],
            [job.ref for job in jobs],
            [dict(job.payload) for job in jobs],
            [job.delay_s for job in jobs],
        )


def job_of(row: Any) -> Job:
    """The job in a row of a lease."""
    return Job(row["id"], row["kind"], row["ref"], row["payload"], row["attempts"])


async def _nothing(_: Connection) -> None:
    return None


async def _no_effect(_db: Database, _job: Job) -> Commit:
    return _nothing


@dataclass(frozen=True)
class JobRunner:
    """Runs jobs of these kinds, `concurrency` at once; a lost lease ends without an effect.

    `lease_s` bounds one attempt; `on_give_up` says what giving up does, per kind.
    """

    kinds: Mapping[str, Handler]
    on_give_up: Mapping[str, Handler]
    concurrency: int = 2
    lease_s: float = 60.0
    max_attempts: int = 5
    first_delay_s: float = 1.0
    most_delay_s: float = 300.0

    async def run(self, db: Database, wake: asyncio.Event, committed: Callable[[], None]) -> None:
        """For ever; ends by cancellation or by a bug."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.concurrency):
                group.create_task(self._work(db, wake, committed))

    async def _work(self, db: Database, wake: asyncio.Event, committed: Callable[[], None]) -> None:
        backoff = Backoff(first_s=0.1, most_s=5.0)
        while True:
            try:
                worked = await self._one(db, committed)
                backoff.reset()
            except Exception as error:
                # A database that is away is waited for; a bug must stop the process.
                if not is_transient(error):
                    raise
                await backoff.wait()
                continue
            if not worked:
                wake.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await wake.wait()

    async def _one(self, db: Database, committed: Callable[[], None]) -> bool:
        lease = uuid4()
        row = await db.fetchrow(_LEASE, list(self.kinds), lease, self.lease_s)
        if row is None:
            return False
        await self.attempt(db, job_of(row), lease, committed)
        return True

    async def attempt(
        self, db: Database, job: Job, lease: UUID, committed: Callable[[], None]
    ) -> None:
        """One attempt at a job that is leased, to its outcome in SQL."""
        started = time.perf_counter()
        outcome = await self._attempt(db, job, lease)
        metrics.JOBS_TOTAL.labels(db.schema, job.kind, outcome).inc()
        metrics.JOB_SECONDS.labels(db.schema, job.kind).observe(time.perf_counter() - started)
        committed()

    async def _attempt(self, db: Database, job: Job, lease: UUID) -> str:
        if job.attempt > self.max_attempts:  # it never came to an end: it ends the process
            return await self._give_up(db, job, lease, "its process ended in every attempt")
        try:
            async with asyncio.timeout(self.lease_s * 0.8):
                commit = await self.kinds[job.kind](db, job)
        except GiveUp as error:
            return await self._give_up(db, job, lease, error.reason)
        except (Retry, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            if job.attempt >= self.max_attempts:
                return await self._give_up(db, job, lease, reason)
            delay_s = min(self.first_delay_s * 2 ** (job.attempt - 1), self.most_delay_s)
            delay_s = max(delay_s, min(getattr(error, "after_s", 0.0), self.most_delay_s))
            await db.execute(_LATER, job.id, lease, reason[:500], delay_s)
            return "retried"
        async with db.transaction() as connection:
            if await connection.fetchval(_DONE, job.id, lease):
                await commit(connection)
        return "done"

    async def _give_up(self, db: Database, job: Job, lease: UUID, reason: str) -> str:
        commit = await self.on_give_up.get(job.kind, _no_effect)(db, job)
        async with db.transaction() as connection:
            if await connection.fetchval(_GIVE_UP, job.id, lease, reason[:500]):
                await commit(connection)
        log.warning("job %s %d given up", job.kind, job.id)
        return "given_up"
