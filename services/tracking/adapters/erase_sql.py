"""Erasure in SQL: nothing of who is forgotten in any table."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import msgspec

from contracts.cases import Case
from contracts.erasing import ERASED, case_without
from runtime.db import Connection
from services.tracking.adapters.case_sql import searched_and_body

_FACTS = """
delete from report_facts where report_id in
    (select id from reports where reporter_id = any ($1::text[]))
"""
_FORGET = (
    _FACTS,
    "delete from reports where reporter_id = any ($1::text[])",
    "delete from points where reporter_id = any ($1::text[])",
    "delete from notices where recipient_id = any ($1::text[])",
)
_NEWS = "delete from notices where about = $1"
_UNSIGN = f"""
update case_events set by_id = '{ERASED}', note = null
where by_role = 'reporter' and by_id = any ($1::text[])
"""  # noqa: S608 - constant
CASES_SQL = """
select body::text as body from cases
where id in (select case_id from case_reports where reporter_id = any ($1::text[]))
order by id for update
"""
_SCRUB = """
update cases set bigrams = array(select jsonb_array_elements_text(row.bigrams::jsonb)),
                 body = row.body::jsonb
from unnest($1::uuid[], $2::text[], $3::text[]) as row (id, bigrams, body)
where cases.id = row.id
"""
_LEAVE = "delete from case_reports where reporter_id = any ($1::text[])"

_decode = msgspec.json.Decoder(Case).decode


async def forget(connection: Connection, people: Collection[str]) -> None:
    """Removes what is theirs alone, and their words, pictures and ids from shared cases."""
    if not people:
        return
    ids = sorted(people)
    for statement in (*_FORGET, _UNSIGN):
        await connection.execute(statement, ids)
    rows = await connection.fetch(CASES_SQL, ids)
    cases = [case_without(_decode(row["body"]), ids) for row in rows]
    columns = [searched_and_body(case) for case in cases]
    await connection.execute(
        _SCRUB,
        [UUID(case.id) for case in cases],
        [row[0] for row in columns],
        [row[1] for row in columns],
    )
    await connection.execute(_LEAVE, ids)


async def erase(connection: Connection, reporter_id: str) -> None:
    """The same for one, and that others were told of them (see runtime.erasure)."""
    await forget(connection, [reporter_id])
    await connection.execute(_NEWS, reporter_id)
