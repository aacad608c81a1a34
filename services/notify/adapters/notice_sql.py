"""Recipients and their inboxes in SQL, in sets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import msgspec

from runtime.db import Connection, Database
from services.notify.domain.batch import Notice, Recipient, feed_of
from services.notify.domain.quiet import Preferences

_MAKE = "insert into recipients (id) select unnest($1::text[]) on conflict do nothing"
_LOCK = """
select id, last_seq, language, quiet_from, quiet_until, stream, erased_at is not null as erased
from recipients where id = any ($1::text[]) order by id for update
"""
_KNOWN = """
select event_id, recipient from notices where event_id = any ($1::uuid[]) and channel = $2
"""
_SAVE = """
insert into notices (event_id, recipient, channel, id, seq, type, about, report_id, urgent,
    quiet, texts, created_at)
select event_id, recipient, $12, id, seq, type, about, report_id, urgent, quiet, texts, at
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[],
    $8::boolean[], $9::boolean[], $10::jsonb[], $11::timestamptz[])
    as row (event_id, recipient, id, seq, type, about, report_id, urgent, quiet, texts, at)
"""
_SAVE_SEQS = """
update recipients set last_seq = row.last_seq
from unnest($1::text[], $2::bigint[]) as row (id, last_seq)
where recipients.id = row.id and recipients.last_seq <> row.last_seq
"""
_ERASE_NOTICES = "delete from notices where recipient = any ($1::text[])"
_ERASE_NEWS = "delete from notices where about = $1"
_ERASE_SUBSCRIPTIONS = "delete from subscriptions where recipient = any ($1::text[])"
_ERASE_RECIPIENTS = """
update recipients set erased_at = clock_timestamp(), language = null, quiet_from = null,
    quiet_until = null, stream = true
where id = any ($1::text[]) and erased_at is null
"""
_ERASE_FEED = (
    "delete from feed where feed = $1",
    "delete from feed_heads where feed = $1",
)


async def lock(connection: Connection, ids: Collection[str]) -> dict[str, Recipient]:
    """The recipients by id, made when they are new, locked in the order of their ids."""
    if not ids:
        return {}
    wanted = sorted(ids)
    await connection.execute(_MAKE, wanted)
    rows = await connection.fetch(_LOCK, wanted)
    return {row["id"]: _recipient(row) for row in rows}


async def known(
    connection: Connection, event_ids: Sequence[UUID], channel: str
) -> set[tuple[UUID, str]]:
    """Who heard of these events before, by that channel."""
    rows = await connection.fetch(_KNOWN, list(event_ids), channel)
    return {(row["event_id"], row["recipient"]) for row in rows}


async def save(connection: Connection, notices: Sequence[Notice], channel: str) -> None:
    """Inserts; the business key (event, recipient, channel) refuses a second one."""
    if notices:
        columns = [
            (
                each.event_id,
                each.recipient,
                each.id,
                each.seq,
                each.type,
                each.about,
                each.report_id,
                each.urgent,
                each.quiet,
                msgspec.to_builtins(each.texts),
                each.at,
            )
            for each in notices
        ]
        arrays = [list(column) for column in zip(*columns, strict=True)]
        await connection.execute(_SAVE, *arrays, channel)


async def save_seqs(connection: Connection, recipients: Sequence[Recipient]) -> None:
    """Keeps how far each recipient's count is."""
    if recipients:
        await connection.execute(
            _SAVE_SEQS, [each.id for each in recipients], [each.last_seq for each in recipients]
        )


async def erase(connection: Connection, ids: Collection[str]) -> None:
    """Deletes all that they see and asked for."""
    if ids:
        await connection.execute(_ERASE_NOTICES, sorted(ids))
        await connection.execute(_ERASE_SUBSCRIPTIONS, sorted(ids))
        await connection.execute(_ERASE_RECIPIENTS, sorted(ids))


async def erase_all(connection: Connection, recipient: str) -> None:
    """The same, what others were told of them, and the live stream (see runtime.erasure)."""
    await erase(connection, [recipient])
    await connection.execute(_ERASE_NEWS, recipient)
    for statement in _ERASE_FEED:
        await connection.execute(statement, feed_of(recipient))


async def forget_older(db: Database, days: int, most: int) -> int:
    """Deletes notices older than that; how many."""
    return await db.changed(
        """
        delete from notices where id in (
            select id from notices
            where created_at < statement_timestamp() - make_interval(days => $1)
            order by created_at limit $2
        )
        """,
        days,
        most,
    )


def _recipient(row: Any) -> Recipient:
    return Recipient(row["id"], row["last_seq"], preferences_of(row), row["erased"])


def preferences_of(row: Any) -> Preferences:
    """The preferences in a recipient's row."""
    return Preferences(
        language=row["language"],
        quiet_from=row["quiet_from"],
        quiet_until=row["quiet_until"],
        stream=row["stream"],
    )
