"""What a person sees of their inbox, and what they prefer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from runtime.db import Connection, Database
from services.notify.adapters.notice_sql import preferences_of
from services.notify.domain.quiet import Preferences

_PAGE = """
select id, seq, type, about, report_id, urgent, quiet, texts, created_at, read_at from notices
where recipient = $1 and ($2::bigint is null or seq < $2) and (not $3 or read_at is null)
order by seq desc limit $4
"""
_UNREAD = "select count(*) from notices where recipient = $1 and read_at is null"
_READ = """
update notices set read_at = coalesce(read_at, clock_timestamp())
where id = $1 and recipient = any ($2::text[])
returning id, seq, type, about, report_id, urgent, quiet, texts, created_at, read_at
"""
_PREFERENCES = """
select language, quiet_from, quiet_until, stream from recipients where id = $1
"""
_PREFER = """
insert into recipients (id, language, quiet_from, quiet_until, stream) values ($1, $2, $3, $4, $5)
on conflict (id) do update set language = excluded.language, quiet_from = excluded.quiet_from,
    quiet_until = excluded.quiet_until, stream = excluded.stream
where recipients.erased_at is null
"""


@dataclass(frozen=True)
class Item:
    """A notice in an inbox; `texts` by language."""

    id: UUID
    seq: int
    type: str
    about: str
    report_id: str | None
    urgent: bool
    quiet: bool
    texts: dict[str, dict[str, str]]
    created_at: datetime
    read_at: datetime | None


async def page(
    db: Database, recipient: str, before_seq: int | None, unread_only: bool, limit: int
) -> list[Item]:
    """The newest first, before that number."""
    rows = await db.fetch(_PAGE, recipient, before_seq, unread_only, limit)
    return [Item(**row) for row in rows]


async def unread(db: Database, recipient: str) -> int:
    """How many were not read."""
    count: int = await db.fetchval(_UNREAD, recipient)
    return count


async def read(connection: Connection, notice_id: UUID, recipients: Sequence[str]) -> Item | None:
    """Marks it read, once; None when it is in none of these inboxes."""
    row = await connection.fetchrow(_READ, notice_id, list(recipients))
    return Item(**row) if row else None


async def preferences(db: Database, recipient: str) -> Preferences:
    """What was set, or what everybody begins with."""
    row: Any = await db.fetchrow(_PREFERENCES, recipient)
    return preferences_of(row) if row else Preferences()


async def prefer(connection: Connection, recipient: str, wanted: Preferences) -> None:
    """Replaces the preferences."""
    await connection.execute(
        _PREFER,
        recipient,
        wanted.language,
        wanted.quiet_from,
        wanted.quiet_until,
        wanted.stream,
    )
