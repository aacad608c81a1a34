"""A device's reports, photos and keys become the person's, in the sign-in's transaction."""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec.structs import replace

from contracts.submissions import ReportSubmitted
from runtime.db import Connection

_REPORTS = "select id, submitted from reports where reporter_id = $1 order by id for update"
_SAVE = """
update reports set reporter_id = $1, submitted = row.submitted
from unnest($2::uuid[], $3::bytea[]) as row (id, submitted) where reports.id = row.id
"""
# The same bytes sent under both names stay two media: each report shows its own.
_MEDIA = """
update media set owner = $2 where owner = $1 and not exists (
    select from media as own where own.owner = $2 and own.sha256 = media.sha256
)
"""
# A report that waits on the phone goes out again with its key after the sign-in.
_KEYS = """
update idempotency_keys set actor = $2 where actor = $1 and not exists (
    select from idempotency_keys as own where own.actor = $2 and own.key = idempotency_keys.key
)
"""
_DEVICES = "update devices set reporter_id = $2 where reporter_id = $1"
_LINKED = "select from_reporter_id from links where reporter_id = $1 order by 1"

_decode = msgspec.json.Decoder(ReportSubmitted).decode


async def link(connection: Connection, device: str, person: str) -> None:
    """The reporters' rows are locked."""
    rows = await connection.fetch(_REPORTS, device)
    ids: list[UUID] = [row["id"] for row in rows]
    sent = [replace(_decode(row["submitted"]), reporter_id=person) for row in rows]
    await connection.execute(_SAVE, person, ids, [msgspec.json.encode(each) for each in sent])
    for statement in (_MEDIA, _KEYS, _DEVICES):
        await connection.execute(statement, device, person)


async def linked_to(connection: Connection, person: str) -> list[str]:
    """Reporters of devices that joined this person."""
    return [row["from_reporter_id"] for row in await connection.fetch(_LINKED, person)]
