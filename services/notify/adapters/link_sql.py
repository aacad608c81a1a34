"""What a device subscribed to becomes the person's; notices stay where they were read."""

from __future__ import annotations

from runtime.db import Connection

_MAKE = "insert into recipients (id) values ($1) on conflict do nothing"
_SUBSCRIPTIONS = """
update subscriptions set recipient = $2 where recipient = $1 and not exists (
    select from subscriptions as own where own.recipient = $2 and own.target = subscriptions.target
)
"""


async def link(connection: Connection, device: str, person: str) -> None:
    """In the transaction of a job (see runtime.linking)."""
    await connection.execute(_MAKE, person)
    await connection.execute(_SUBSCRIPTIONS, device, person)
