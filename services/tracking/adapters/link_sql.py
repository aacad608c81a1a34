"""What a device reported and was told becomes the person's."""

from __future__ import annotations

from uuid import UUID

import msgspec

from contracts.cases import Case
from contracts.linking import case_relinked
from runtime.db import Connection
from services.tracking.adapters.erase_sql import CASES_SQL

_SAVE = """
update cases set body = row.body::jsonb
from unnest($1::uuid[], $2::text[]) as row (id, body) where cases.id = row.id
"""
_THEIRS = (
    "update reports set reporter_id = $2 where reporter_id = $1",
    "update case_reports set reporter_id = $2 where reporter_id = $1",
    "update case_events set by_id = $2 where by_role = 'reporter' and by_id = $1",
    "update points set reporter_id = $2 where reporter_id = $1",
    "update notices set recipient_id = $2 where recipient_id = $1",
)

_decode = msgspec.json.Decoder(Case).decode


async def link(connection: Connection, device: str, person: str) -> None:
    """In the transaction of a job (see runtime.linking)."""
    rows = await connection.fetch(CASES_SQL, [device])
    cases = [case_relinked(_decode(row["body"]), {device: person}) for row in rows]
    bodies = [msgspec.json.encode(case).decode() for case in cases]
    await connection.execute(_SAVE, [UUID(case.id) for case in cases], bodies)
    for statement in _THEIRS:
        await connection.execute(statement, device, person)
