"""Whether a reporter is suspended, as the latest event about them said."""

from __future__ import annotations

from collections.abc import Mapping

from runtime.db import Connection

_SAVE = """
insert into standing (reporter_id, suspended, seq)
select * from unnest($1::text[], $2::boolean[], $3::int[])
on conflict (reporter_id) do update set suspended = excluded.suspended, seq = excluded.seq
where standing.seq < excluded.seq
"""
_SUSPENDED = "select exists (select from standing where reporter_id = $1 and suspended)"


async def save(connection: Connection, heard: Mapping[str, tuple[bool, int]]) -> None:
    """By reporter: suspended or not, and the number of the event that said so."""
    if not heard:
        return
    ids = sorted(heard)
    await connection.execute(
        _SAVE, ids, [heard[each][0] for each in ids], [heard[each][1] for each in ids]
    )


async def is_suspended(connection: Connection, reporter_id: str) -> bool:
    """As far as dispatch has heard."""
    return bool(await connection.fetchval(_SUSPENDED, reporter_id))
