"""Devices that joined a person: the guard hears their facts as the person's, for good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import msgspec

from contracts.erasing import people_of
from contracts.facts import Event
from contracts.linking import relinked
from contracts.observers import DeviceLinked
from runtime import erasure
from runtime.db import Connection, Database
from runtime.jobs import Commit, Job, JobRunner, NewJob, enqueue

LINK = "link"
_KNOWN = """
select from_reporter_id, reporter_id from links where from_reporter_id = any ($1::text[])
"""
_REMEMBER = """
insert into links (from_reporter_id, reporter_id) select * from unnest($1::text[], $2::text[])
on conflict do nothing
"""

Link = Callable[[Connection, str, str], Awaitable[None]]
"""Gives a service's own rows of the device's reporter (first) to the person (second)."""


def linked_in(events: Sequence[Event]) -> dict[str, str]:
    """Device's reporter -> person, by these events."""
    return {
        event.body.from_reporter_id: event.body.reporter_id
        for event in events
        if isinstance(event.body, DeviceLinked)
    }


async def known(connection: Connection, people: Collection[str]) -> dict[str, str]:
    """Those of these who are devices that joined a person."""
    rows = await connection.fetch(_KNOWN, sorted(people)) if people else ()
    return {row["from_reporter_id"]: row["reporter_id"] for row in rows}


async def remember(connection: Connection, links: Mapping[str, str]) -> None:
    """For good; a job gives the person what the device has."""
    if links:
        ids = sorted(links)
        await connection.execute(_REMEMBER, ids, [links[each] for each in ids])
        await enqueue(connection, [NewJob(LINK, each, {"to": links[each]}) for each in ids])


async def heard(connection: Connection, events: Sequence[Event]) -> list[Event]:
    """The events with devices' reporters replaced by the persons whom they joined."""
    now = linked_in(events)
    await remember(connection, now)
    people = {person for event in events for person in people_of(event.body)}
    links = await known(connection, people) | now
    if not links:
        return list(events)
    return [_relinked(event, links) for event in events]


def _relinked(event: Event, links: Mapping[str, str]) -> Event:
    if not any(each in links for each in people_of(event.body)):
        return event
    return msgspec.structs.replace(event, body=relinked(event.body, links))


def runner(link: Link) -> JobRunner:
    """The job by which a service gives the person what the device has."""

    async def give(_: Database, job: Job) -> Commit:
        async def commit(connection: Connection) -> None:
            await erasure.enter(connection, alone=True)
            if not await erasure.among(connection, {job.ref, job.payload["to"]}):
                await link(connection, job.ref, job.payload["to"])

        return commit

    return JobRunner({LINK: give}, {}, concurrency=1)
