"""Who asked to be forgotten, for good: the guard asks here, and jobs remove what is left.

An erasure has the schema to itself while it happens: a batch that saw nobody erased cannot write
behind its back. What an open request of that person writes afterwards goes by the second job.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from contracts.erasing import without
from contracts.facts import Event
from contracts.observers import ObserverErased
from contracts.topics import FACT
from runtime.db import Connection, Database
from runtime.jobs import Commit, Job, JobRunner, NewJob, enqueue

FORGET = "forget"
FORGET_AGAIN = "forget-again"
AGAIN_AFTER_S = 60.0
"""By then every process knows that the person's sessions are over."""

_LOCK = "hashtextextended(current_schema() || '/erased', 0)"
SHARED = f"select pg_advisory_xact_lock_shared({_LOCK})"
ALONE = f"select pg_advisory_xact_lock({_LOCK})"
"""The first statement of a batch's transaction, or of one that erases."""
_AMONG = "select reporter_id from erased where reporter_id = any ($1::text[])"
_REMEMBER = """
insert into erased (reporter_id, at) select * from unnest($1::text[], $2::timestamptz[])
on conflict do nothing
"""
_REMEMBER_NOW = """
insert into erased (reporter_id, at) values ($1, clock_timestamp()) on conflict do nothing
"""
# A scan of 14 days of events, outside of any lock: erasures are rare, an index would not be.
_SENT = """
select day, id, headers->>'ce_type' as type, value from outbox
where position(convert_to($1, 'UTF8') in value) > 0
"""
_SHOWN = """
select day, position as id, type, value from feed
where position(convert_to($1, 'UTF8') in value) > 0
"""
_REWRITE = {
    "outbox": "update outbox set value = $3 where day = $1 and id = $2",
    "feed": "update feed set value = $3 where day = $1 and position = $2",
}
_REMOVE = {
    "outbox": "delete from outbox where day = $1 and id = $2",
    "feed": "delete from feed where day = $1 and position = $2",
}
_TRACES = (
    """
    delete from dead_letters where subject = $1 or key = convert_to($1, 'UTF8')
       or position(convert_to($1, 'UTF8') in value) > 0
    """,
    """
    delete from idempotency_keys
    where actor = $1 or position(convert_to($1, 'UTF8') in answer) > 0
    """,
)

_UNLINK = "delete from links where from_reporter_id = $1 or reporter_id = $1"

Erase = Callable[[Connection, str], Awaitable[None]]
"""Removes a reporter from a service's own tables, in the job's transaction."""
Before = Callable[[Database, str], Awaitable[None]]
"""What has to go before the rows that name it go (files)."""


def erased_in(events: Sequence[Event]) -> dict[str, datetime]:
    """Who is erased by these events, and since when."""
    return {
        event.body.reporter_id: event.occurred_at
        for event in events
        if isinstance(event.body, ObserverErased)
    }


async def enter(connection: Connection, *, alone: bool) -> None:
    """Until the transaction ends: batches beside each other, an erasure alone."""
    await connection.execute(ALONE if alone else SHARED)


async def among(db: Database | Connection, people: Iterable[str]) -> set[str]:
    """Those of these who were erased."""
    wanted = sorted(people)
    rows = await db.fetch(_AMONG, wanted) if wanted else ()
    return {row["reporter_id"] for row in rows}


async def remember(connection: Connection, people: Mapping[str, datetime]) -> None:
    """For good; the jobs remove what there is of them."""
    if people:
        ids = sorted(people)
        await connection.execute(_REMEMBER, ids, [people[each] for each in ids])
        jobs = [NewJob(FORGET, each, {}) for each in ids]
        jobs += [NewJob(FORGET_AGAIN, each, {}, AGAIN_AFTER_S) for each in ids]
        await enqueue(connection, jobs)


def heard(event: Event, erased: Collection[str]) -> Event | None:
    """The event as it may be heard, None for what must not be, whoever sends it again."""
    body = without(event.body, erased) if erased else event.body
    if body is None or body is event.body:
        return event if body else None
    return msgspec.structs.replace(event, body=body)


async def sweep(db: Database, reporter_id: str) -> None:
    """Takes the person out of outbox, feeds, dead letters and stored answers."""
    for table, found in (("outbox", _SENT), ("feed", _SHOWN)):
        for row in await db.fetch(found, reporter_id):
            left = without(msgspec.json.decode(row["value"], type=FACT[row["type"]]), {reporter_id})
            if left is None:
                await db.execute(_REMOVE[table], row["day"], row["id"])
            else:
                value = msgspec.json.encode(left)
                await db.execute(_REWRITE[table], row["day"], row["id"], value)
    for statement in _TRACES:
        await db.execute(statement, reporter_id)


def runner(erase: Erase, before: Before | None = None) -> JobRunner:
    """The jobs by which a service forgets: its own tables by `erase`, the plumbing's by `sweep`.

    A job alone is enough for a schema that came back from an older dump: it remembers, too.
    """

    async def forget(db: Database, job: Job) -> Commit:
        if before is not None:
            await before(db, job.ref)

        async def commit(connection: Connection) -> None:
            await enter(connection, alone=True)
            await connection.execute(_REMEMBER_NOW, job.ref)
            await erase(connection, job.ref)
            await connection.execute(_UNLINK, job.ref)

        await sweep(db, job.ref)
        return commit

    return JobRunner({FORGET: forget, FORGET_AGAIN: forget}, {}, concurrency=1, lease_s=600.0)
