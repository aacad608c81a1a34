"""What happens by itself: a resolved case that nobody objected to is verified and closed."""

from __future__ import annotations

from contracts.cases import CaseFact
from contracts.city import City
from runtime import outbox
from runtime.db import Database
from runtime.outbox import Outgoing
from runtime.timers import Timer
from services.dispatch.adapters import case_sql
from services.dispatch.adapters.case_sql import case_of
from services.dispatch.adapters.queue_sql import CLAIM_DUE_SQL, DUE_SQL
from services.dispatch.domain.batch import lock_name
from services.dispatch.domain.deciding import Command, Refusal, decide
from services.dispatch.domain.leaving import event_of, feeds_of
from services.dispatch.domain.parties import SYSTEM_PARTY

EVERY_S = 5.0
AT_ONCE = 100


def timers(city: City) -> tuple[Timer, ...]:
    """One so far; warnings and escalation come with their rules."""

    async def verify(db: Database) -> int:
        return await verify_due(db, city)

    return (Timer("verify", EVERY_S, verify),)


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
        await case_sql.save(connection, list(last.values()), city.verify_after_h)
        await case_sql.save_timeline(connection, facts)
        await outbox.append(connection, [Outgoing(event_of(f), feeds_of(f)) for f in facts])
    return len(last)
