"""Who a signed-in person is in SQL: an issuer and a hash, never the issuer's own id."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.db import Connection
from services.intake.adapters.session_sql import digest

# Two sign-ins of one person at once must not make two reporters.
_LOCK = "select pg_advisory_xact_lock(hashtextextended($1 || encode($2, 'hex'), 0))"
# Held, so that an erasure waits for the session, or is found to have been first.
_FIND = """
select identity.reporter_id
from identities identity join reporters on reporters.id = identity.reporter_id
where identity.issuer = $1 and identity.subject_hash = $2 for key share of reporters
"""
_ADD = "insert into identities (issuer, subject_hash, reporter_id) values ($1, $2, $3)"
_SIGNED_IN = "select exists (select from identities where reporter_id = $1)"
_REPORTER = "insert into reporters (id, language) values ($1, $2)"


@dataclass(frozen=True)
class Identity:
    """Somebody as an issuer knows them; `subject` is not kept and not logged."""

    issuer: str
    subject: str

    def __repr__(self) -> str:
        return f"Identity({self.issuer!r}, ...)"


async def lock(connection: Connection, identity: Identity) -> str | None:
    """The reporter of that identity, or None; nobody else signs in with it meanwhile."""
    hashed = digest(identity.subject)
    await connection.execute(_LOCK, identity.issuer, hashed)
    found = await connection.fetchval(_FIND, identity.issuer, hashed)
    return None if found is None else str(found)


async def add(connection: Connection, identity: Identity, reporter_id: str) -> None:
    """From now on that identity is this reporter."""
    await connection.execute(_ADD, identity.issuer, digest(identity.subject), reporter_id)


async def is_signed_in(connection: Connection, reporter_id: str) -> bool:
    """Whether the reporter is somebody whom an issuer knows, not a device alone."""
    return bool(await connection.fetchval(_SIGNED_IN, reporter_id))


async def new_reporter(connection: Connection, reporter_id: str, language: str) -> None:
    """A reporter without a device."""
    await connection.execute(_REPORTER, reporter_id, language)
