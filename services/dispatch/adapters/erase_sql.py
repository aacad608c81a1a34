"""Erasure in SQL: cases stay, without the ids, words and pictures of who is forgotten."""

from __future__ import annotations

from uuid import UUID

import msgspec

from contracts.cases import Case
from contracts.erasing import ERASED, case_without
from runtime.db import Connection

CASES_SQL = """
select body::text as body from cases
where id in (select case_id from case_reports where reporter_id = $1) order by id for update
"""
_SCRUB = """
update cases set body = row.body::jsonb
from unnest($1::uuid[], $2::text[]) as row (id, body) where cases.id = row.id
"""
# Answers that staff got for these cases are kept for retries: they show the text.
_ANSWERS = """
delete from idempotency_keys where exists (
    select from unnest($1::text[]) as case_id
    where position(convert_to(case_id, 'UTF8') in answer) > 0
)
"""
_LEAVE = f"""
update case_reports set reporter_id = '{ERASED}', media = '{{}}' where reporter_id = $1
"""  # noqa: S608 - constant
_UNSIGN = f"""
update case_events set by_id = '{ERASED}', note = null
where by_role = 'reporter' and by_id = $1
"""  # noqa: S608 - constant

_STANDING = "delete from standing where reporter_id = $1"

_decode = msgspec.json.Decoder(Case).decode


async def erase(connection: Connection, reporter_id: str) -> None:
    """In the transaction of a job (see runtime.erasure)."""
    rows = await connection.fetch(CASES_SQL, reporter_id)
    cases = [case_without(_decode(row["body"]), {reporter_id}) for row in rows]
    bodies = [msgspec.json.encode(case).decode() for case in cases]
    await connection.execute(_SCRUB, [UUID(case.id) for case in cases], bodies)
    await connection.execute(_ANSWERS, [case.id for case in cases])
    await connection.execute(_LEAVE, reporter_id)
    await connection.execute(_UNSIGN, reporter_id)
    await connection.execute(_STANDING, reporter_id)
