"""What SQL knows of media: whose they are, what they show, whether they may be served."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from contracts.places import Place
from contracts.submissions import Media, MediaKind
from runtime.db import Connection, Database
from services.intake.adapters.media_store import StoredMedia
from services.intake.adapters.photos.content_type import MediaType
from services.intake.adapters.photos.messages import Exif, PhotoHeader, PhotoRefused, PhotoResult
from services.intake.domain.likeness import keys
from services.intake.domain.report import Photo

MediaState = Literal["stored", "served", "refused"]

# The photo's job is written with the row: after-photos, which no report carries, get theirs too.
_ADD = """
with added as (
    insert into media (id, owner, sha256, kind, content_type, size_bytes,
                       header_read, place, taken_at, width, height)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (owner, sha256) do nothing
    returning id
), job as (
    insert into jobs (kind, ref, payload, due_at)
    select 'photo', id, '{}'::jsonb, clock_timestamp() from added where $4 = 'photo'
)
select id from added
"""
_SAME = """
select id, kind, content_type from media where owner = $1 and sha256 = $2
"""
_COLUMNS = """id, owner, kind, content_type, size_bytes, state, header_read, place, taken_at,
              width, height, dhash, refusal, created_at"""
_ONE = f"select {_COLUMNS} from media where id = $1"  # noqa: S608 - constant
_OWN = """
select id, kind, content_type from media
where id = any ($1::text[]) and owner = $2 and state <> 'refused'
"""
# The first report that carried the same photo, or one that hardly differs: each look goes by the
# index of keys, and compares the few that share one. (An aggregate, because with ORDER BY and LIMIT
# the planner walks through all that reports carry.)
_PHOTOS = """
select media.id, header_read, state, place, taken_at, seen.report_id as seen_in
from media left join lateral (
    select (array_agg(report_id order by report_id))[1] as report_id from (
        select media.id
        union all
        select other.id from media other
        where other.likeness && media.likeness
          and bit_count(other.fingerprint # media.fingerprint) <= 10
    ) alike join report_media on media_id = alike.id
) seen on true
where media.id = any ($1::text[]) and kind = 'photo' order by media.id
"""
_HEADER = """
update media set header_read = true, place = $2, taken_at = $3, width = $4, height = $5
where id = $1 and state = 'stored'
"""
_SERVED = """
update media set state = 'served', header_read = true, dhash = $2, width = $3, height = $4,
                 place = coalesce(place, $5), taken_at = coalesce(taken_at, $6),
                 fingerprint = ('x' || $7::text)::bit(256), likeness = $8
where id = $1
"""
_REFUSED = "update media set state = 'refused', header_read = true, refusal = $2 where id = $1"
_CLAIMED = "select id from media where id = any ($1::text[]) and state <> 'refused'"


@dataclass(frozen=True)
class Upload:
    """A medium that is there for good."""

    id: str
    kind: MediaKind
    content_type: str

    def media(self) -> Media:
        """As events speak of it."""
        return Media(id=self.id, kind=self.kind, content_type=self.content_type)


async def add(
    connection: Connection,
    owner: str,
    stored: StoredMedia,
    found: MediaType,
    header: PhotoHeader | None,
    zone: ZoneInfo,
) -> Upload:
    """The new medium, or the one with the same bytes that this owner sent before."""
    exif = header.exif if header else Exif()
    sha256 = bytes.fromhex(stored.sha256)
    added = await connection.fetchval(
        _ADD,
        stored.id,
        owner,
        sha256,
        found.kind,
        found.content_type,
        stored.size_bytes,
        header is not None or found.kind == "voice",
        exif.place,
        _taken_at(exif, zone),
        header.width if header else None,
        header.height if header else None,
    )
    if added:
        return Upload(stored.id, found.kind, found.content_type)
    row = await connection.fetchrow(_SAME, owner, sha256)
    return Upload(row["id"], row["kind"], row["content_type"])


async def one(db: Database, media_id: str) -> Any:
    """The row, or None."""
    return await db.fetchrow(_ONE, media_id)


async def own(db: Database, owner: str, ids: Sequence[str]) -> dict[str, Upload]:
    """Those of the ids that are this owner's and usable."""
    rows = await db.fetch(_OWN, list(ids), owner)
    return {row["id"]: Upload(row["id"], row["kind"], row["content_type"]) for row in rows}


async def photos(
    connection: Connection, ids: Collection[str], *, share: bool = False
) -> dict[str, Photo]:
    """By id. `share` keeps jobs from refusing one until the caller has committed its links."""
    if not ids:
        return {}
    sql = _PHOTOS + (" for share of media" if share else "")
    return {row["id"]: _photo(row) for row in await connection.fetch(sql, sorted(ids))}


async def keep_header(
    connection: Connection, media_id: str, header: PhotoHeader, zone: ZoneInfo
) -> None:
    """What the job read where the upload could not wait."""
    exif = header.exif
    await connection.execute(
        _HEADER, media_id, exif.place, _taken_at(exif, zone), header.width, header.height
    )


async def keep_result(
    connection: Connection, media_id: str, result: PhotoResult, zone: ZoneInfo
) -> None:
    """Served copies are on the disk: they may be fetched from now on."""
    exif = result.exif
    await connection.execute(
        _SERVED,
        media_id,
        result.dhash,
        result.width,
        result.height,
        exif.place,
        _taken_at(exif, zone),
        result.fingerprint,
        keys(result.dhash, result.fingerprint),
    )


async def refuse(connection: Connection, media_id: str, refused: PhotoRefused) -> None:
    """Serve nothing of it; the sweeper deletes the original."""
    await connection.execute(_REFUSED, media_id, refused.reason)


async def claimed(db: Database, ids: Sequence[str]) -> set[str]:
    """Those of the ids whose files must stay."""
    return {row["id"] for row in await db.fetch(_CLAIMED, list(ids))}


def _taken_at(exif: Exif, zone: ZoneInfo) -> datetime | None:
    return exif.taken.aware(zone) if exif.taken else None


def _photo(row: Mapping[str, Any]) -> Photo:
    return Photo(
        id=row["id"],
        read=row["header_read"],
        refused=row["state"] == "refused",
        place=msgspec.convert(row["place"], Place) if row["place"] else None,
        taken_at=row["taken_at"],
        seen_in=str(row["seen_in"]) if row["seen_in"] else None,
    )
