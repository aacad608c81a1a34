"""Systems that report by a key of theirs, and a random reporter for each person behind one."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from uuid import uuid4

from runtime.db import Connection, Database
from services.intake.adapters.session_sql import digest

_CLIENT = "select id, name from api_clients where key_hash = $1 and revoked_at is null"
_FIND = "select reporter_id from api_client_people where client_id = $1::uuid and person = $2"
_REPORTER = "insert into reporters (id, language) values ($1, $2)"
_PERSON = """
insert into api_client_people (client_id, person, reporter_id) values ($1::uuid, $2, $3)
on conflict do nothing returning true
"""


@dataclass(frozen=True)
class Client:
    """Who a key belongs to."""

    id: str
    name: str


async def client_of(db: Database, key: str) -> Client | None:
    """The owner of a key that is not revoked."""
    row = await db.fetchrow(_CLIENT, digest(key))
    return Client(str(row["id"]), row["name"]) if row else None


async def reporter_of(db: Database, client: Client, key: str, person: str, language: str) -> str:
    """The reporter who stands for a person that the client names (empty: for those it does not).

    The same person under the same key is the same reporter.
    """
    mark = hmac.new(key.encode(), person.encode(), hashlib.sha256).digest()
    if known := await db.fetchval(_FIND, client.id, mark):
        return str(known)
    async with db.transaction() as connection:
        return await _new_reporter(connection, client, mark, language)


async def _new_reporter(connection: Connection, client: Client, mark: bytes, language: str) -> str:
    reporter_id = str(uuid4())
    await connection.execute(_REPORTER, reporter_id, language)
    if await connection.fetchval(_PERSON, client.id, mark, reporter_id):
        return reporter_id
    await connection.execute("delete from reporters where id = $1", reporter_id)
    return str(await connection.fetchval(_FIND, client.id, mark))
