"""The same key and request give the first answer again, stored in the action's transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from runtime.db import Connection
from runtime.errors import INVALID, REUSED_KEY, FieldError, Problem

KEEP_DAYS = 30
MAX_KEY_LENGTH = 200

_CLAIM = """
insert into idempotency_keys (actor, key, request_hash) values ($1, $2, $3)
on conflict do nothing returning true
"""
_READ = "select request_hash, status, answer from idempotency_keys where actor = $1 and key = $2"
_STORE = "update idempotency_keys set status = $3, answer = $4 where actor = $1 and key = $2"
FORGET_SQL = (
    "delete from idempotency_keys where created_at < statement_timestamp() - interval '30 days'"
)


@dataclass(frozen=True)
class Answer:
    """A status and the JSON bytes that went with it."""

    status: int
    body: bytes

    @classmethod
    def of(cls, status: int, content: Any) -> Answer:
        """Encodes the content."""
        return cls(status, msgspec.json.encode(content))

    def response(self) -> Response:
        """As it was sent the first time."""
        return Response(self.body, self.status, media_type="application/json; charset=utf-8")


def request_hash(*parts: Any) -> bytes:
    """SHA-256 over parsed fields and parts; never over raw bodies (multipart boundaries change)."""
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).digest()


def checked_key(key: str | None) -> str | None:
    """The header's value; raises 422 when it is too long or not printable ASCII."""
    if key is None or key == "":
        return None
    if len(key) > MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise Problem(
            INVALID,
            errors=[
                FieldError("Idempotency-Key", "最长 200 个可见 ASCII 字符", "200 printable ASCII")
            ],
        )
    return key


async def claim(connection: Connection, actor: str, key: str, digest: bytes) -> Answer | None:
    """None: this transaction is the first. An Answer: it was done before.

    Waits for a rival transaction with the same key. Raises 422 for another request's key.
    """
    if await connection.fetchval(_CLAIM, actor, key, digest):
        return None
    row = await connection.fetchrow(_READ, actor, key)
    if row["request_hash"] != digest:
        raise Problem(REUSED_KEY)
    return Answer(row["status"], row["answer"])


async def store(connection: Connection, actor: str, key: str, answer: Answer) -> None:
    """Keeps the answer with the key that this transaction claimed."""
    await connection.execute(_STORE, actor, key, answer.status, answer.body)
