"""Devices that joined a person: the guard hears their facts as the person's, for good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from contracts.erasing import people_of
from contracts.facts import Event
from contracts.linking import relinked
from contracts.observers import DeviceLinked
from runtime import erasure
from runtime.db import Connection, Database
from runtime.jobs import Commit, Job, JobRunner, NewJob, enqueue

LINK = "link"
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


async def remember(connection: Connection, links: Mapping[str, str]) -> None:
    """For good; a job gives the person what the device has."""
    if links:
        ids = sorted(links)
        await connection.execute(_REMEMBER, ids, [links[each] for each in ids])
        await enqueue(connection, [NewJob(LINK, each, {"to": links[each]}) for each in ids])


def heard(event: Event, links: Mapping[str, str]) -> Event:
    """The event with devices' reporters replaced by the persons whom they joined."""
    if not links or not any(each in links for each in people_of(event.body)):
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
