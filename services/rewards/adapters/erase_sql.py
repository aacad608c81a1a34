"""Erasure in SQL: the ledger is pseudonymous and stays; the account earns nothing any more."""

from __future__ import annotations

from runtime.db import Connection

_ERASE = "update accounts set erased = true where reporter_id = $1"


async def erase(connection: Connection, reporter_id: str) -> None:
    """In the transaction of a job (see runtime.erasure)."""
    await connection.execute(_ERASE, reporter_id)
