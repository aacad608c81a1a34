"""Takes a photo or a voice note: durable bytes first, then what they are, then the row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress

from starlette.datastructures import UploadFile

from contracts.submissions import MediaKind
from runtime.db import Connection
from runtime.errors import SUSPENDED, TOO_LARGE, UNSUPPORTED, Problem
from services.intake.adapters import media_sql, observer_sql
from services.intake.adapters.media_sql import Upload
from services.intake.adapters.media_store import MediaTooLarge, StoredMedia
from services.intake.adapters.photos.content_type import MediaType, sniff
from services.intake.adapters.photos.messages import PhotoHeader, PhotoRefused
from services.intake.api.context import Context
from services.intake.api.problems import EMPTY_FILE, photo_problem

BLOCK_BYTES = 2**20
LENGTH_TOLERANCE_S = 1.0
"""Recorders that stop at the limit write a frame or two more."""


class Examined:
    """A durable file that is what it says, and not in SQL yet."""

    def __init__(self, stored: StoredMedia, found: MediaType, header: PhotoHeader | None) -> None:
        self.stored = stored
        self.found = found
        self.header = header


async def need_standing(context: Context, owner: str) -> None:
    """Raises 403 for who is suspended, before a byte is stored."""
    if await observer_sql.is_suspended(context.db, owner):
        raise Problem(SUSPENDED)


async def examine(
    context: Context, data: bytes | AsyncIterable[bytes], only: MediaKind | None = None
) -> Examined:
    """Stores the bytes. Raises 413, 415, 422, 503, and then nothing is kept."""
    limits = context.city.limits
    most_bytes = limits.voice_bytes if only == "voice" else limits.photo_bytes
    try:
        stored = await context.store.put(data, most_bytes=most_bytes)
    except MediaTooLarge as error:
        raise Problem(TOO_LARGE) from error
    try:
        found = _type_of(stored, only, limits.voice_bytes)
        if found.kind == "voice":
            await _check_length(context, stored)
        header = await _header(context, stored) if found.kind == "photo" else None
    except BaseException:
        await context.store.delete(stored.id)
        raise
    return Examined(stored, found, header)


async def keep(context: Context, connection: Connection, owner: str, examined: Examined) -> Upload:
    """The row, in the caller's transaction. The same bytes again leave the first medium."""
    upload = await media_sql.add(
        connection, owner, examined.stored, examined.found, examined.header, context.zone
    )
    if upload.id != examined.stored.id:
        await context.store.delete(examined.stored.id)
    return upload


async def take(context: Context, owner: str, data: AsyncIterable[bytes], only: MediaKind) -> Upload:
    """Both steps, committed."""
    examined = await examine(context, data, only)
    async with context.db.transaction() as connection:
        return await keep(context, connection, owner, examined)


async def blocks(file: UploadFile) -> AsyncIterator[bytes]:
    """A form's file."""
    while block := await file.read(BLOCK_BYTES):
        yield block


def _type_of(stored: StoredMedia, only: MediaKind | None, voice_bytes: int) -> MediaType:
    if not stored.size_bytes:
        raise Problem(EMPTY_FILE)
    found = sniff(stored.head)
    if found is None or only not in (None, found.kind):
        raise Problem(
            UNSUPPORTED,
            zh="照片支持 JPEG、PNG、WebP、HEIC；语音支持 M4A、AAC、MP3、Ogg、AMR、WAV",
            en="Photos: JPEG, PNG, WebP, HEIC; voice: M4A, AAC, MP3, Ogg, AMR, WAV",
        )
    if found.kind == "voice" and stored.size_bytes > voice_bytes:
        raise Problem(TOO_LARGE)
    return found


async def _check_length(context: Context, stored: StoredMedia) -> None:
    """Raises 413 for a note that is longer than the city takes, as far as it can be told."""
    most_s = context.city.limits.voice_s
    with suppress(TimeoutError):
        async with asyncio.timeout(context.settings.own.header_wait_s):
            async with context.store.local_copy(stored.id) as path:
                seconds = await context.photos.seconds_of(path)
        if seconds is not None and seconds > most_s + LENGTH_TOLERANCE_S:
            raise Problem(TOO_LARGE, zh=f"语音最长 {most_s} 秒", en=f"Voice: {most_s} s at most")


async def _header(context: Context, stored: StoredMedia) -> PhotoHeader | None:
    """None when the decoder is busy for too long: the worker's job looks then."""
    try:
        async with asyncio.timeout(context.settings.own.header_wait_s):
            async with context.store.local_copy(stored.id) as path:
                reply = await context.photos.read_exif(path)
    except TimeoutError:
        return None
    if isinstance(reply, PhotoRefused):
        raise photo_problem(reply.reason)
    return reply
