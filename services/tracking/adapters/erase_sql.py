"""Erasure in SQL: who was erased, for good, and nothing of theirs in any table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from contracts.cases import Case
from runtime.db import Connection
from services.tracking.adapters.case_sql import searched_and_body
from services.tracking.domain.batch import ERASED, without

LOCK = "tracking/erased"
_SHARED = "select pg_advisory_xact_lock_shared(hashtextextended($1, 0))"
_ALONE = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
_AMONG = "select reporter_id from erased where reporter_id = any ($1::text[])"
_REMEMBER = """
insert into erased (reporter_id, at) select * from unnest($1::text[], $2::timestamptz[])
on conflict do nothing
"""
_LETTERS = """
delete from dead_letters where subject = any ($1::text[])
   or subject in (select id::text from reports where reporter_id = any ($1::text[]))
"""
_FACTS = """
delete from report_facts where report_id in
    (select id from reports where reporter_id = any ($1::text[]))
"""
_FORGET = (
    _LETTERS,
    _FACTS,
    "delete from reports where reporter_id = any ($1::text[])",
    "delete from points where reporter_id = any ($1::text[])",
    "delete from notices where recipient_id = any ($1::text[])",
)
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


async def guard(connection: Connection, *, alone: bool) -> None:
    """Until the transaction ends: batches beside each other, an erasure alone.

    Else a batch that saw nobody erased could write behind the erasure's back.
    """
    await connection.execute(_ALONE if alone else _SHARED, LOCK)


async def erased_among(connection: Connection, people: Collection[str]) -> set[str]:
    """Those of these who were erased."""
    rows = await connection.fetch(_AMONG, sorted(people)) if people else ()
    return {row["reporter_id"] for row in rows}


async def forget(connection: Connection, people: Mapping[str, datetime]) -> None:
    """Removes what is theirs alone, and their words, pictures and ids from shared cases."""
    if not people:
        return
    ids = sorted(people)
    await connection.execute(_REMEMBER, ids, [people[each] for each in ids])
    for statement in (*_FORGET, _UNSIGN):
        await connection.execute(statement, ids)
    rows = await connection.fetch(CASES_SQL, ids)
    cases = [without(_decode(row["body"]), set(ids)) for row in rows]
    columns = [searched_and_body(case) for case in cases]
    await connection.execute(
        _SCRUB,
        [UUID(case.id) for case in cases],
        [row[0] for row in columns],
        [row[1] for row in columns],
    )
    await connection.execute(_LEAVE, ids)
