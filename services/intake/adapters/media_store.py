"""Keeps originals and served copies of media: durable before any SQL commit speaks of them.

What no commit claimed (the client went away, the process died) is an orphan: a sweeper asks
`list_older_than`, keeps what SQL knows and deletes the rest.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from anyio import CancelScope
from anyio.to_thread import run_sync

from services.intake.adapters.media_files import (
    BLOCK_BYTES,
    FileWriter,
    MediaMissing,
    MediaStoreFull,
    MediaTooLarge,
    OpenedMedia,
    delete_files,
    ids_older,
    make_folder,
    named,
    open_file,
    put_file,
    sweep_folder,
    take,
)

__all__ = [
    "FolderMediaStore",
    "MediaMissing",
    "MediaStore",
    "MediaStoreFull",
    "MediaTooLarge",
    "OpenedMedia",
    "StoredMedia",
]

LIST_BATCH = 500
ROOM_FRACTION = 0.05
ID = re.compile(r"[0-9a-f][0-9a-f-]{14,62}[0-9a-f]")
SIZE_NAME = re.compile(r"[a-z0-9]{1,16}")


@dataclass(frozen=True)
class StoredMedia:
    """A durable original. `sha256` in hex; `head` is what `content_type.sniff` wants."""

    id: str
    size_bytes: int
    sha256: str
    head: bytes


class MediaStore(Protocol):
    """Where media live. Ids are ours, never the client's names; nothing blocks the loop."""

    async def put(self, data: bytes | AsyncIterable[bytes], *, most_bytes: int) -> StoredMedia:
        """Durable when it returns. Raises MediaTooLarge, MediaStoreFull."""

    async def put_served(self, media_id: str, size_name: str, data: bytes) -> None:
        """A served copy, durable when it returns; replaces an older one. Raises MediaStoreFull."""

    async def open_original(self, media_id: str) -> OpenedMedia:
        """Raises MediaMissing."""

    async def open_served(self, media_id: str, size_name: str) -> OpenedMedia:
        """Raises MediaMissing."""

    def local_copy(self, media_id: str) -> AbstractAsyncContextManager[Path]:
        """The original as a file for the decoder, to read only. Raises MediaMissing."""

    def list_older_than(self, age_s: float) -> AsyncIterator[list[str]]:
        """Ids stored at least `age_s` ago, in batches; also of copies that lost their original."""

    async def delete(self, media_id: str) -> None:
        """Removes the original and its served copies; silent when there is none."""

    async def sweep_unfinished(self, age_s: float) -> int:
        """Removes what writers that died left behind; how many."""

    async def has_room(self) -> bool:
        """False near the watermark: intake then answers 503 while everything else drains."""


class FolderMediaStore:
    """MediaStore in a local folder: `originals/`, `served/` and `incoming/`, 0700, files 0600."""

    def __init__(
        self,
        root: Path,
        *,
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
        clock: Callable[[], float] = time.time,
        room_fraction: float = ROOM_FRACTION,
    ) -> None:
        self._root = root
        self._new_id = new_id
        self._clock = clock
        self._room_fraction = room_fraction
        for name in ("", "originals", "served", "incoming"):
            make_folder(root / name)

    async def put(self, data: bytes | AsyncIterable[bytes], *, most_bytes: int) -> StoredMedia:
        # The thread finishes a step that a client's going away interrupts; then it is undone.
        writer = await run_sync(FileWriter, self._root / "incoming" / secrets.token_hex(16))
        try:
            async for block in _blocks(data):
                if writer.size_bytes + len(block) > most_bytes:
                    raise MediaTooLarge(f"more than {most_bytes} bytes")
                await run_sync(writer.write, block)
            media_id = self._new_id()
            await run_sync(writer.keep_as, self._original(media_id))
        except OSError as error:
            raise named(error) from error
        finally:
            with CancelScope(shield=True):
                await run_sync(writer.discard)
        return StoredMedia(media_id, writer.size_bytes, writer.sha256.hexdigest(), writer.head)

    async def put_served(self, media_id: str, size_name: str, data: bytes) -> None:
        target = self._served(media_id, size_name)
        await run_sync(put_file, self._root / "incoming" / secrets.token_hex(16), data, target)

    async def open_original(self, media_id: str) -> OpenedMedia:
        return await run_sync(open_file, self._original(media_id))

    async def open_served(self, media_id: str, size_name: str) -> OpenedMedia:
        return await run_sync(open_file, self._served(media_id, size_name))

    @asynccontextmanager
    async def local_copy(self, media_id: str) -> AsyncIterator[Path]:
        path = self._original(media_id)
        if not await run_sync(path.is_file):
            raise MediaMissing(media_id)
        yield path

    async def list_older_than(self, age_s: float) -> AsyncIterator[list[str]]:
        folders = self._root / "originals", self._root / "served"
        found = ids_older(*folders, self._clock() - age_s)
        while batch := await run_sync(take, found, LIST_BATCH):
            yield batch

    async def delete(self, media_id: str) -> None:
        served = self._served(media_id, "any").parent
        await run_sync(delete_files, self._original(media_id), served)

    async def sweep_unfinished(self, age_s: float) -> int:
        return await run_sync(sweep_folder, self._root / "incoming", self._clock() - age_s)

    async def has_room(self) -> bool:
        return await self.free_fraction() >= self._room_fraction

    async def free_fraction(self) -> float:
        """The free part of the file system that holds the media, 0 to 1."""
        usage = await run_sync(shutil.disk_usage, self._root)
        return usage.free / usage.total

    def _original(self, media_id: str) -> Path:
        return self._root / "originals" / _shard(media_id) / media_id

    def _served(self, media_id: str, size_name: str) -> Path:
        if not SIZE_NAME.fullmatch(size_name):
            raise MediaMissing(size_name)
        return self._root / "served" / _shard(media_id) / f"{media_id}.{size_name}"


async def _blocks(data: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Small network chunks gathered, so that a thread is asked once a mebibyte."""
    if isinstance(data, bytes):
        yield data
        return
    gathered = bytearray()
    async for chunk in data:
        gathered += chunk
        if len(gathered) >= BLOCK_BYTES:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def _shard(media_id: str) -> str:
    """The last two characters: the first ones of a time-ordered id hardly differ."""
    if not ID.fullmatch(media_id):
        raise MediaMissing("not an id of ours")
    return media_id[-2:]
