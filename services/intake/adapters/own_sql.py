"""What intake keeps of one person, for the person's own copy."""

from __future__ import annotations

from typing import Any

from runtime.db import Database

_PROFILE = """
select id, language, created_at, consent, consented_at, suspended_at, standing_reason
from reporters where id = $1
"""
_DEVICES = "select created_at from devices where reporter_id = $1 order by created_at"
_SESSIONS = """
select created_at, expires_at, ended_at from sessions where reporter_id = $1
order by created_at desc limit 500
"""
_REGISTRATIONS = """
select code, community, state, registered_at, decided_at, reason from registrations
where reporter_id = $1 order by registered_at limit 500
"""
_MEDIA = """
select id, kind, content_type, size_bytes, state, place, taken_at, created_at from media
where owner = $1 and id > $2 order by id limit $3
"""


async def person(db: Database, reporter_id: str) -> dict[str, Any]:
    """Profile (None for somebody without one), devices, sessions, registrations."""
    profile = await db.fetchrow(_PROFILE, reporter_id)
    found: dict[str, Any] = {"profile": dict(profile) if profile else None}
    for name, query in (
        ("devices", _DEVICES),
        ("sessions", _SESSIONS),
        ("registrations", _REGISTRATIONS),
    ):
        found[name] = [dict(row) for row in await db.fetch(query, reporter_id)]
    return found


async def media(db: Database, reporter_id: str, after: str, limit: int) -> list[dict[str, Any]]:
    """The person's photos and voice notes behind that id."""
    return [dict(row) for row in await db.fetch(_MEDIA, reporter_id, after, limit)]
