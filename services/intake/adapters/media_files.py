"""Files that survive a power cut, and the folders they live in: the blocking half of the store."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from anyio.to_thread import run_sync

HEAD_BYTES = 4096
BLOCK_BYTES = 2**20
FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class OpenedMedia:
    """A file to send: its length and its bytes in blocks of at most 1 MiB."""

    size_bytes: int
    blocks: AsyncIterator[bytes]


class MediaMissing(LookupError):
    """No such media or size: 404."""


class MediaTooLarge(ValueError):
    """More bytes came than allowed; nothing was kept: 413."""


class MediaStoreFull(OSError):
    """The disk is full; nothing was kept: 503 with Retry-After."""


class FileWriter:
    """A file on its way: written under a name of its own, renamed when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise named(error) from error
        self._file: IO[bytes] = os.fdopen(fd, "wb", buffering=0)
        self.sha256 = hashlib.sha256()
        self.size_bytes = 0
        self.head = b""

    def write(self, block: bytes) -> None:
        """Raises OSError."""
        rest = memoryview(block)
        while rest:
            rest = rest[self._file.write(rest) :]
        self.sha256.update(block)
        self.size_bytes += len(block)
        self.head += block[: HEAD_BYTES - len(self.head)]

    def keep_as(self, target: Path) -> None:
        """Bytes, then name: after this a power cut loses neither."""
        os.fsync(self._file.fileno())
        self._file.close()
        make_folder(target.parent)
        os.rename(self._path, target)
        sync_folder(target.parent)

    def discard(self) -> None:
        """Nothing stays under the temporary name."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def named(error: OSError) -> OSError:
    """A full disk by its name; anything else as it is."""
    return MediaStoreFull(*error.args) if error.errno in FULL else error


def make_folder(path: Path) -> None:
    """0700, and its name durable in its parent."""
    if path.is_dir():
        return
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Makes the names in it durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def put_file(incoming: Path, data: bytes, target: Path) -> None:
    """A whole file at once, durable when it returns. Raises MediaStoreFull."""
    writer = FileWriter(incoming)
    try:
        writer.write(data)
        writer.keep_as(target)
    except OSError as error:
        raise named(error) from error
    finally:
        writer.discard()


def open_file(path: Path) -> OpenedMedia:
    """Only measured here; opened when the first block is asked for."""
    try:
        return OpenedMedia(path.stat().st_size, _read(path))
    except FileNotFoundError:
        raise MediaMissing(path.name) from None


async def _read(path: Path) -> AsyncIterator[bytes]:
    file = await run_sync(path.open, "rb")
    try:
        while block := await run_sync(file.read, BLOCK_BYTES):
            yield block
    finally:
        file.close()


def ids_older(originals: Path, served: Path, before: float) -> Iterator[str]:
    """Originals, then what is left of served copies whose original is gone."""
    for path in _files_older(originals, before):
        yield path.name
    for path in _files_older(served, before):
        media_id = path.name.partition(".")[0]
        if not (originals / path.parent.name / media_id).exists():
            yield media_id


def _files_older(folder: Path, before: float) -> Iterator[Path]:
    for shard in sorted(folder.iterdir()):
        for path in sorted(shard.iterdir()):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime <= before:
                    yield path


def take(found: Iterator[str], most: int) -> list[str]:
    """The next few, read from the disk as they are asked for."""
    return list(islice(found, most))


def delete_files(original: Path, served_folder: Path) -> None:
    """Served copies first: an original without copies can be served again, not the reverse."""
    for path in [*served_folder.glob(f"{original.name}.*"), original]:
        path.unlink(missing_ok=True)


def sweep_folder(incoming: Path, before: float) -> int:
    """Removes files last written before that time; how many."""
    swept = 0
    for path in incoming.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime <= before:
                path.unlink()
                swept += 1
    return swept
