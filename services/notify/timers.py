"""What nobody asks for: old notices and old lines of the delivery log are deleted."""

from __future__ import annotations

from runtime.db import Database
from runtime.timers import Timer
from services.notify.adapters import delivery_sql, notice_sql

EVERY_S = 600.0
AT_ONCE = 1000
NOTICE_DAYS = 180
DELIVERY_DAYS = 30


def timers() -> tuple[Timer, ...]:
    """Both go on at once while there is more."""

    async def notices(db: Database) -> int:
        return await notice_sql.forget_older(db, NOTICE_DAYS, AT_ONCE)

    async def deliveries(db: Database) -> int:
        return await delivery_sql.forget_older(db, DELIVERY_DAYS, AT_ONCE)

    return Timer("old-notices", EVERY_S, notices), Timer("old-deliveries", EVERY_S, deliveries)
