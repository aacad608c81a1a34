"""Links to originals in SQL, by hashes only, and the log of who opened one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from runtime.db import Database
from services.intake.adapters.session_sql import digest

_GIVE = """
insert into original_links (hash, media_id, case_id, given_to, role, expires_at)
select $1, id, $3, $4, $5, clock_timestamp() + $6::interval from media
where id = $2 and state <> 'refused'
returning expires_at
"""
# Every opening leaves its line, or nothing is opened.
_OPEN = """
insert into original_openings (media_id, case_id, given_to, role)
select link.media_id, case_id, given_to, role
from original_links link join media on media.id = link.media_id
where hash = $1 and link.media_id = $2 and expires_at > clock_timestamp() and state <> 'refused'
returning (select content_type from media where id = $2)
"""
_OPENINGS = """
select id, opened_at, given_to, role, case_id from original_openings
where media_id = $1 and id < $2 order by id desc limit $3
"""
_FORGET = """
delete from original_links where hash in (
    select hash from original_links where expires_at < statement_timestamp()
    limit 1000 for update skip locked
) returning 1
"""


@dataclass(frozen=True)
class Reader:
    """Who gets a link, and about which case."""

    id: str
    role: str
    case_id: UUID


async def give(db: Database, media_id: str, secret: str, reader: Reader, within: timedelta) -> Any:
    """When the link ends; None when there is no such medium."""
    return await db.fetchval(
        _GIVE, digest(secret), media_id, reader.case_id, reader.id, reader.role, within
    )


async def opened(db: Database, media_id: str, secret: str) -> str | None:
    """The content type, once the opening is logged; None for a link that does not count."""
    found: str | None = await db.fetchval(_OPEN, digest(secret), media_id)
    return found


async def openings(db: Database, media_id: str, before: int, limit: int) -> Sequence[Any]:
    """Who opened it, newest first: id, opened_at, given_to, role, case_id."""
    return await db.fetch(_OPENINGS, media_id, before, limit)


async def forget_links(db: Database) -> int:
    """Removes links that are over; how many. What was opened by them stays in the log."""
    return len(await db.fetch(_FORGET))
