"""Jobs in lanes: a lane has only so many at once, so one slow receiver holds up nobody else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from runtime.backoff import Backoff
from runtime.db import Connection, Database, is_transient
from runtime.jobs import POLL_S, JobRunner, NewJob, job_of, note

log = logging.getLogger(__name__)

_ENQUEUE = """
insert into jobs (kind, ref, payload, due_at, lane)
select kind, ref, payload, clock_timestamp() + make_interval(secs => delay_s), lane
from unnest($1::text[], $2::text[], $3::jsonb[], $4::float8[], $5::text[])
    as job (kind, ref, payload, delay_s, lane)
order by kind, ref
on conflict (kind, ref) do update
    set given_up = false, attempts = 0, lease = null, due_at = excluded.due_at, reason = null
    where jobs.given_up
"""
# Jumps from lane to lane along the index: a lane with a long line costs no more than a short one.
_LEASE = """
with recursive lanes as (
    (select lane from jobs where lane is not null and not given_up order by lane limit 1)
    union all
    select (select next.lane from jobs next where next.lane > lanes.lane and not next.given_up
            order by next.lane limit 1)
    from lanes where lanes.lane is not null
),
due as (
    select job.id from lanes
    cross join lateral (
        select $5 - count(*) as room from jobs busy
        where busy.lane = lanes.lane and busy.lease is not null
          and busy.due_at > statement_timestamp()
    ) as free
    cross join lateral (
        select id, due_at from jobs
        where jobs.lane = lanes.lane and kind = any ($1::text[]) and not given_up
          and due_at <= statement_timestamp()
        order by due_at limit greatest(free.room, 0) for update skip locked
    ) as job
    order by job.due_at limit $4
)
update jobs set lease = $2, attempts = attempts + 1,
                due_at = clock_timestamp() + make_interval(secs => $3)
from due where jobs.id = due.id
returning jobs.id, kind, ref, payload, attempts
"""


async def enqueue(connection: Connection, jobs: Sequence[tuple[str, NewJob]]) -> None:
    """Writes (lane, job) pairs in the caller's transaction; a job given up begins again."""
    note([job for _, job in jobs])
    if jobs:
        await connection.execute(
            _ENQUEUE,
            [job.kind for _, job in jobs],
            [job.ref for _, job in jobs],
            [dict(job.payload) for _, job in jobs],
            [job.delay_s for _, job in jobs],
            [lane for lane, _ in jobs],
        )


@dataclass(frozen=True)
class LaneRunner(JobRunner):
    """Like JobRunner, with at most `per_lane` jobs of a lane at once, over all processes.

    (Two processes that lease in the same instant may pass it by one.) `concurrency` should be
    well above `per_lane` times the number of lanes that may be slow together.
    """

    per_lane: int = 2

    async def run(self, db: Database, wake: asyncio.Event, committed: Callable[[], None]) -> None:
        """For ever; ends by cancellation or by a bug."""
        backoff = Backoff(first_s=0.1, most_s=5.0)
        running: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                wake.clear()
                try:
                    leased = await self._lease(db, self.concurrency - len(running))
                    backoff.reset()
                except Exception as error:
                    # A database that is away is waited for; a bug must stop the process.
                    if not is_transient(error):
                        raise
                    await backoff.wait()
                    continue
                for lease, row in leased:
                    task = group.create_task(self._one_leased(db, row, lease, wake, committed))
                    running.add(task)
                    task.add_done_callback(running.discard)
                if not leased:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(POLL_S):
                            await wake.wait()

    async def _lease(self, db: Database, room: int) -> list[tuple[UUID, Any]]:
        if room <= 0:
            return []
        lease = uuid4()
        rows = await db.fetch(_LEASE, list(self.kinds), lease, self.lease_s, room, self.per_lane)
        return [(lease, row) for row in rows]

    async def _one_leased(
        self,
        db: Database,
        row: Any,
        lease: UUID,
        wake: asyncio.Event,
        committed: Callable[[], None],
    ) -> None:
        try:
            await self.attempt(db, job_of(row), lease, committed)
        except Exception as error:
            # A database that is away: the lease runs out and the job comes again.
            if not is_transient(error):
                raise
            log.warning("job %d waits for its lease to end: %s", row["id"], type(error).__name__)
        wake.set()
