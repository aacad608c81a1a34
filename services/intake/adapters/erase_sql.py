"""Erasure in SQL: the person at once, what they sent by a job."""

from __future__ import annotations

from runtime.db import Connection, Database

_SESSIONS = """
select id::text from sessions where reporter_id = $1 and ended_at is null for update
"""
_PERSON = "delete from reporters where id = $1"
_MEDIA = "select id from media where owner = $1 order by id"
# Work that is open for what they sent.
_JOBS = """
delete from jobs where kind not in ('forget', 'forget-again') and ref in (
    select id from media where owner = $1
    union all select id::text from reports where reporter_id = $1
)
"""
_SENT = (
    _JOBS,
    "delete from reports where reporter_id = $1",
    "delete from media where owner = $1",
    _PERSON,
)


async def sessions_of(connection: Connection, reporter_id: str) -> list[str]:
    """Ids of the sessions that are not over."""
    return [row["id"] for row in await connection.fetch(_SESSIONS, reporter_id)]


async def forget_person(connection: Connection, reporter_id: str) -> None:
    """Devices, sign-ins, sessions, registrations: nobody can be this reporter again."""
    await connection.execute(_PERSON, reporter_id)


async def media_of(db: Database, reporter_id: str) -> list[str]:
    """Ids of the files to delete."""
    return [row["id"] for row in await db.fetch(_MEDIA, reporter_id)]


async def erase(connection: Connection, reporter_id: str) -> None:
    """In the transaction of a job (see runtime.erasure)."""
    for statement in _SENT:
        await connection.execute(statement, reporter_id)
