"""Reporters, their devices and sessions in SQL: hashes of secrets only, rotated refresh tokens."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from runtime.db import Connection, Database
from runtime.tokens import LEEWAY_S, LIFETIME

SESSION_DAYS = 180
SECRET_BYTES = 32

_REPORTER = "insert into reporters (id, language) values ($1, $2)"
_DEVICE = "insert into devices (id, device_hash, secret_hash, reporter_id) values ($1, $2, $3, $4)"
_FIND_DEVICE = """
select device_hash, secret_hash, reporter_id
from devices join reporters on reporters.id = devices.reporter_id
where devices.id = $1 for key share of reporters
"""
_SESSION = "insert into sessions (id, reporter_id, expires_at) values ($1, $2, $3)"
_TOKEN = "insert into refresh_tokens (hash, session_id) values ($1, $2)"  # noqa: S105 - SQL
_FIND_REFRESH = """
select session.id as session_id, session.reporter_id, token.used_at,
       session.ended_at is not null or session.expires_at <= $2 as over
from refresh_tokens token join sessions session on session.id = token.session_id
where token.hash = $1
for update
"""
_USE_TOKEN = "update refresh_tokens set used_at = $2 where hash = $1"  # noqa: S105 - SQL
_END = "update sessions set ended_at = $2 where id = $1 and ended_at is null"
_REVOKE = """
insert into revocations (session_id, revoked_at, expires_at) values ($1, $2, $3)
on conflict do nothing
"""
_REVOKED = """
select session_id, expires_at from revocations
where expires_at > $1 and ($2::timestamptz is null or revoked_at >= $2)
order by session_id
"""
_SHOWN = "id, language, created_at, consent, consented_at"
_PROFILE = f"select {_SHOWN} from reporters where id = $1"  # noqa: S608 - constant
_CHANGE = f"""
update reporters set language = coalesce($2, language),
    consent = case when $3 then $4 else consent end,
    consented_at = case when not $3 or consent is not distinct from $4 then consented_at
                        when $4 is not null then clock_timestamp() end
where id = $1 returning {_SHOWN}
"""  # noqa: S608 - constant
_FORGET = """
with over as (delete from revocations where expires_at < statement_timestamp())
delete from sessions where id in (
    select id from sessions where expires_at < statement_timestamp() - interval '1 day' limit 1000
) returning id
"""


@dataclass(frozen=True)
class Grant:
    """What a session is given; `refresh_token` in clear, it is stored as a hash only."""

    reporter_id: str
    session_id: str
    refresh_token: str


@dataclass(frozen=True)
class Reused:
    """A refresh token came a second time: this session is over, with all that came of it."""

    session_id: str


def new_secret() -> str:
    """256 random bits, fit for a URL."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> bytes:
    """SHA-256: what is kept of a secret that has 256 random bits, or of a device id."""
    return hashlib.sha256(secret.encode()).digest()


async def new_reporter(
    connection: Connection,
    *,
    reporter_id: str,
    language: str,
    device_row: UUID,
    device_id: str,
    device_secret: str,
) -> None:
    """A reporter of whom nothing is known but that this device's secret is theirs."""
    await connection.execute(_REPORTER, reporter_id, language)
    await connection.execute(
        _DEVICE, device_row, digest(device_id), digest(device_secret), reporter_id
    )


async def reporter_of(
    connection: Connection, *, device_row: UUID, device_id: str, device_secret: str
) -> str | None:
    """The reporter of this device, None when id and secret do not fit together."""
    row = await connection.fetchrow(_FIND_DEVICE, device_row)
    known_device, known_secret = (row["device_hash"], row["secret_hash"]) if row else (b"", b"")
    same_device = hmac.compare_digest(known_device, digest(device_id))
    same_secret = hmac.compare_digest(known_secret, digest(device_secret))
    return str(row["reporter_id"]) if same_device and same_secret else None


async def open_session(connection: Connection, grant: Grant, at: datetime) -> None:
    """A session with its first refresh token."""
    session_id = UUID(grant.session_id)
    await connection.execute(
        _SESSION, session_id, grant.reporter_id, at + timedelta(days=SESSION_DAYS)
    )
    await connection.execute(_TOKEN, digest(grant.refresh_token), session_id)


async def rotate(
    connection: Connection, refresh_token: str, next_token: str, at: datetime
) -> Grant | Reused | None:
    """A new refresh token for a good one; None for one that is over or was never given.

    A token that was used before has two owners, and one of them is a thief: the session ends.
    """
    row = await connection.fetchrow(_FIND_REFRESH, digest(refresh_token), at)
    if row is None or row["over"]:
        return None
    if row["used_at"] is not None:
        await end_session(connection, str(row["session_id"]), at)
        return Reused(str(row["session_id"]))
    await connection.execute(_USE_TOKEN, digest(refresh_token), at)
    await connection.execute(_TOKEN, digest(next_token), row["session_id"])
    return Grant(str(row["reporter_id"]), str(row["session_id"]), next_token)


async def end_session(connection: Connection, session_id: str, at: datetime) -> None:
    """No refresh any more, and access tokens are revoked for as long as one could live."""
    with suppress(ValueError):  # a session made elsewhere: revoking is all there is to do
        await connection.execute(_END, UUID(session_id), at)
    until = at + LIFETIME + timedelta(seconds=LEEWAY_S)
    await connection.execute(_REVOKE, session_id, at, until)


async def revoked(db: Database, at: datetime, since: datetime | None) -> dict[str, datetime]:
    """Ended sessions whose tokens could still be alive, and until when."""
    rows = await db.fetch(_REVOKED, at, since)
    return {row["session_id"]: row["expires_at"] for row in rows}


async def profile(db: Database, reporter_id: str) -> Any:
    """Row of id, language, created_at, consent, consented_at, or None."""
    return await db.fetchrow(_PROFILE, reporter_id)


async def change_profile(
    db: Database, reporter_id: str, language: str | None, consents: bool, consent: str | None
) -> Any:
    """The row afterwards, or None. `consents`: whether `consent` is to change."""
    return await db.fetchrow(_CHANGE, reporter_id, language, consents, consent)


async def forget_old(db: Database) -> int:
    """Removes sessions and revocations that are over; how many sessions."""
    return len(await db.fetch(_FORGET))
