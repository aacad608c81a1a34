"""What happens by itself: milestones of clocks, and the end that nobody objected to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from cities.areas import Areas
from cities.live import Live
from contracts.cases import Case, CaseFact
from contracts.city import City
from runtime import outbox
from runtime.db import Connection, Database
from runtime.outbox import Outgoing
from runtime.timers import Timer
from services.dispatch.adapters import case_sql
from services.dispatch.adapters.case_sql import case_of
from services.dispatch.adapters.city import Known
from services.dispatch.adapters.queue_sql import (
    CLAIM_CLOCKS_SQL,
    CLAIM_DUE_SQL,
    CLAIM_PROVISIONAL_SQL,
    DUE_SQL,
)
from services.dispatch.domain.batch import lock_name
from services.dispatch.domain.deciding import Command, Refusal, decide
from services.dispatch.domain.leaving import event_of, feeds_of
from services.dispatch.domain.milestones import fire
from services.dispatch.domain.opening import settle
from services.dispatch.domain.parties import SYSTEM_PARTY

EVERY_S = 5.0
CLOCKS_EVERY_S = 1.0
CALENDAR_EVERY_S = 3600.0
AT_ONCE = 100


def timers(live: Live[Known]) -> tuple[Timer, ...]:
    """Each with its own claims."""

    async def verify(db: Database) -> int:
        return await verify_due(db, live.now.city)

    async def clocks(db: Database) -> int:
        return await clocks_due(db, live.now.city, live.now.areas)

    async def calendar(db: Database) -> int:
        return await calendar_arrived(db, live.now.city)

    return (
        Timer("verify", EVERY_S, verify),
        Timer("clocks", CLOCKS_EVERY_S, clocks),
        Timer("calendar", CALENDAR_EVERY_S, calendar),
    )


async def clocks_due(db: Database, city: City, areas: Areas, limit: int = AT_ONCE) -> int:
    """Says what is due by the database's clock, the longest due first; how many cases."""
    async with db.transaction() as connection:
        rows = await connection.fetch(CLAIM_CLOCKS_SQL, limit)
        if not rows:
            return 0
        now = await connection.fetchval("select clock_timestamp()")
        cases = [case_of(row) for row in rows]
        where = areas.communities_at([(each.place.lat, each.place.lon) for each in cases])
        facts: list[CaseFact] = []
        last = {case.id: case for case in cases}
        for case, covers in zip(cases, where, strict=True):
            area = case.community or (covers.code if covers else city.code)
            said = fire(case, now, city, area)
            facts.extend(said)
            last |= {fact.case.id: fact.case for fact in said}
        # A case that was not due after all (another city file) is saved for its new time.
        await _save(connection, last, facts, city)
    return len(last)


async def calendar_arrived(db: Database, city: City, limit: int = AT_ONCE) -> int:
    """Sets provisional clocks anew whose years the calendar knows by now; how many cases."""
    done, after = 0, UUID(int=0)
    while True:
        async with db.transaction() as connection:
            rows = await connection.fetch(CLAIM_PROVISIONAL_SQL, after, limit)
            if not rows:
                return done
            now = await connection.fetchval("select clock_timestamp()")
            cases = [case_of(row) for row in rows]
            after = UUID(cases[-1].id)
            facts = [fact for case in cases if (fact := settle(case, now, city))]
            await _save(connection, {fact.case.id: fact.case for fact in facts}, facts, city)
        done += len(facts)


async def _save(
    connection: Connection, last: Mapping[str, Case], facts: Sequence[CaseFact], city: City
) -> None:
    await case_sql.save(connection, list(last.values()), city, facts)
    await outbox.append(connection, [Outgoing(event_of(f), feeds_of(f)) for f in facts])


async def verify_due(db: Database, city: City, limit: int = AT_ONCE) -> int:
    """Verifies and closes what is due by the database's clock; how many cases."""
    async with db.transaction() as connection:
        due = await connection.fetch(DUE_SQL, limit)
        if not due:
            return 0
        await case_sql.advisory(connection, {lock_name(row["family"], row["cell"]) for row in due})
        rows = await connection.fetch(CLAIM_DUE_SQL, [row["id"] for row in due])
        now = await connection.fetchval("select clock_timestamp()")
        facts: list[CaseFact] = []
        for row in rows:
            decided = decide(case_of(row), Command("verify-by-time", SYSTEM_PARTY), now, city)
            if not isinstance(decided, Refusal):
                facts.extend(decided)
        last = {fact.case.id: fact.case for fact in facts}
        await _save(connection, last, facts, city)
    return len(last)
