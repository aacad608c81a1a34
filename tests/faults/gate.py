"""Holds transactions of dispatch at their commit, from inside PostgreSQL, as long as we like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.faults.oracle import Oracle

KEY = 4711
SET_UP = f"""
create table if not exists dispatch.held (case_id uuid);
grant select on dispatch.held to yizhan_dispatch;
create or replace function dispatch.hold() returns trigger language plpgsql as $$
begin
    if exists (select from dispatch.held where case_id is null or case_id = new.id) then
        perform pg_advisory_xact_lock_shared({KEY});
    end if;
    return null;
end $$;
create or replace function dispatch.dawdle() returns trigger language plpgsql as $$
begin
    if exists (select from dispatch.held) then
        perform pg_sleep(0.3);
    end if;
    return null;
end $$;
drop trigger if exists hold on dispatch.cases;
create constraint trigger hold after insert or update on dispatch.cases
    deferrable initially deferred for each row execute function dispatch.hold();
drop trigger if exists dawdle on dispatch.cases;
create trigger dawdle before insert on dispatch.cases
    for each statement execute function dispatch.dawdle();
"""
WAITING = """
select pid from pg_locks where locktype = 'advisory' and not granted
  and mode = 'ShareLock' and objid = $1
"""


class Gate:
    """Closed: a commit that changes one of the named cases (or any) waits."""

    def __init__(self, oracle: Oracle, connection: Any) -> None:
        self._oracle = oracle
        self._connection = connection

    async def waiting(self) -> list[int]:
        """Backends that wait at the gate."""
        return [row["pid"] for row in await self._oracle.sql(WAITING, KEY)]

    async def roll_back(self) -> None:
        """Ends the sessions that wait there: nothing of them is committed."""
        for pid in await self.waiting():
            await self._oracle.sql("select pg_terminate_backend($1)", pid)

    async def open(self) -> None:
        """Lets all pass."""
        await self._connection.execute("delete from dispatch.held")
        await self._connection.execute("select pg_advisory_unlock_all()")


@asynccontextmanager
async def closed(oracle: Oracle, cases: Sequence[str] | None = None) -> AsyncIterator[Gate]:
    """A closed gate for these cases, or for every case."""
    connection = await asyncpg.connect(oracle.database)
    gate = Gate(oracle, connection)
    try:
        await connection.execute("select pg_advisory_lock($1)", KEY)
        await connection.executemany(
            "insert into dispatch.held values ($1)",
            [(None,)] if cases is None else [(each,) for each in cases],
        )
        yield gate
        await gate.open()
    finally:
        await connection.close()


@asynccontextmanager
async def dawdling(oracle: Oracle) -> AsyncIterator[None]:
    """New cases take 0.3 s longer: who does not lock has time to meet somebody."""
    await oracle.sql("insert into dispatch.held values (gen_random_uuid())")
    try:
        yield
    finally:
        await oracle.sql("delete from dispatch.held")
