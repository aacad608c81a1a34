"""The media folder: durable, private, never by a client's name, honest when it is full."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from services.intake.adapters import media_files
from services.intake.adapters.media_store import (
    FolderMediaStore,
    MediaMissing,
    MediaStoreFull,
    MediaTooLarge,
    OpenedMedia,
)

MEBIBYTE = 2**20


@pytest.fixture
def store(tmp_path: Path) -> FolderMediaStore:
    return FolderMediaStore(tmp_path / "media")


@pytest.fixture
def root(store: FolderMediaStore, tmp_path: Path) -> Path:
    return tmp_path / "media"


async def content(opened: OpenedMedia) -> bytes:
    return b"".join([block async for block in opened.blocks])


async def chunks(data: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("size", [0, 1, 4096, MEBIBYTE, 3 * MEBIBYTE + 7])
async def test_what_goes_in_comes_out(store: FolderMediaStore, size: int) -> None:
    data = os.urandom(size)
    for source in (data, chunks(data)):
        stored = await store.put(source, most_bytes=size)
        assert (stored.size_bytes, stored.head) == (size, data[:4096])
        assert stored.sha256 == hashlib.sha256(data).hexdigest()
        opened = await store.open_original(stored.id)
        assert opened.size_bytes == size
        assert await content(opened) == data
        async with store.local_copy(stored.id) as path:
            assert path.read_bytes() == data


async def test_nobody_else_can_read_it(store: FolderMediaStore, root: Path) -> None:
    previous = os.umask(0)
    try:
        stored = await store.put(b"private", most_bytes=100)
        await store.put_served(stored.id, "small", b"public")
    finally:
        os.umask(previous)
    for path in [root, *root.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


async def test_bytes_then_name_then_folder(
    store: FolderMediaStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, str]] = []
    fsync, rename = os.fsync, os.rename

    def watched_fsync(fd: int) -> None:
        steps.append(("fsync", Path(os.readlink(f"/proc/self/fd/{fd}")).parent.name))
        fsync(fd)

    def watched_rename(source: Path, target: Path) -> None:
        steps.append(("rename", target.parent.parent.name))
        rename(source, target)

    await store.put(b"x", most_bytes=1)
    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "rename", watched_rename)
    stored = await store.put(b"x", most_bytes=1)
    assert steps[0] == ("fsync", "incoming")
    assert steps.index(("rename", "originals")) == len(steps) - 2
    assert steps[-1] == ("fsync", "originals"), "the shard's folder, after the rename"
    assert len(stored.id) == 32


async def test_too_much_is_not_kept(store: FolderMediaStore, root: Path) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield bytes(65_536)

    with pytest.raises(MediaTooLarge):
        await store.put(endless(), most_bytes=2 * MEBIBYTE)
    assert sent <= 3 * MEBIBYTE + 65_536
    assert not files(root)
    assert (await store.put(bytes(10), most_bytes=10)).size_bytes == 10
    with pytest.raises(MediaTooLarge):
        await store.put(bytes(11), most_bytes=10)


async def test_a_client_that_goes_away_leaves_nothing(store: FolderMediaStore, root: Path) -> None:
    async def stalls() -> AsyncIterator[bytes]:
        yield bytes(2 * MEBIBYTE)
        await anyio.sleep_forever()

    with anyio.move_on_after(0.2):
        await store.put(stalls(), most_bytes=10 * MEBIBYTE)
    assert not files(root)


async def test_a_full_disk_has_a_name(
    store: FolderMediaStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = await store.put(b"before", most_bytes=10)

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MediaStoreFull):
        await store.put(b"x", most_bytes=1)
    with pytest.raises(MediaStoreFull):
        await store.put_served(stored.id, "small", b"x")
    assert len(files(root)) == 1


async def test_a_really_full_disk() -> None:
    """/dev/full refuses every write, as the last block of a disk does."""
    writer = media_files.FileWriter.__new__(media_files.FileWriter)
    with open("/dev/full", "wb", buffering=0) as device:
        writer._file = device
        with pytest.raises(OSError) as refused:
            media_files.FileWriter.write(writer, b"x")
    assert isinstance(media_files.named(refused.value), MediaStoreFull)


HOSTILE_IDS = [
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "0" * 15,
    "0" * 65,
    "0" * 30 + "/0",
    "0" * 30 + "\0",
    "\u202e" + "0" * 31,
    "A" * 32,
    "",
    ".",
    "x" * 4096,
    "0" * 32 + "\n",
]


@pytest.mark.parametrize("media_id", HOSTILE_IDS)
async def test_only_our_ids_lead_anywhere(store: FolderMediaStore, media_id: str) -> None:
    with pytest.raises(MediaMissing):
        await store.open_original(media_id)
    with pytest.raises(MediaMissing):
        await store.open_served(media_id, "small")
    with pytest.raises(MediaMissing):
        await store.delete(media_id)
    with pytest.raises(MediaMissing):
        await store.put_served(media_id, "small", b"x")


@pytest.mark.parametrize("size_name", ["../small", "small.jpg", "Small", "", "s" * 17, "small\n"])
async def test_only_our_sizes_lead_anywhere(store: FolderMediaStore, size_name: str) -> None:
    stored = await store.put(b"x", most_bytes=1)
    with pytest.raises(MediaMissing):
        await store.put_served(stored.id, size_name, b"x")


async def test_unknown_ids_and_content_addresses_are_missing(store: FolderMediaStore) -> None:
    stored = await store.put(b"x", most_bytes=1)
    for other in ("0" * 32, stored.sha256):
        with pytest.raises(MediaMissing):
            await store.open_original(other)
    with pytest.raises(MediaMissing):
        await store.open_served(stored.id, "large")
    with pytest.raises(MediaMissing):
        async with store.local_copy("0" * 32):
            pass


async def test_served_copies(store: FolderMediaStore) -> None:
    stored = await store.put(b"original", most_bytes=10)
    await store.put_served(stored.id, "large", b"first")
    await store.put_served(stored.id, "large", b"second")
    assert await content(await store.open_served(stored.id, "large")) == b"second"
    await store.delete(stored.id)
    await store.delete(stored.id)
    with pytest.raises(MediaMissing):
        await store.open_served(stored.id, "large")
    with pytest.raises(MediaMissing):
        await store.open_original(stored.id)


async def test_the_sweeper_sees_what_is_old(tmp_path: Path) -> None:
    now = time.time()
    numbers = iter(range(2000))
    store = FolderMediaStore(
        tmp_path / "media", clock=lambda: now + 100, new_id=lambda: f"{next(numbers):032x}"
    )
    ids = [(await store.put(b"x", most_bytes=1)).id for _ in range(1100)]
    await store.put_served("f" * 32, "small", b"its original is gone")
    await store.put_served(ids[0], "small", b"its original is there")
    found = [one async for batch in store.list_older_than(50) for one in batch]
    assert sorted(found) == sorted([*ids, "f" * 32])
    assert [batch async for batch in store.list_older_than(1000)] == []
    (tmp_path / "media" / "incoming" / "left-by-a-dead-writer").write_bytes(b"x")
    assert await store.sweep_unfinished(1000) == 0
    assert await store.sweep_unfinished(50) == 1


async def test_room(tmp_path: Path) -> None:
    store = FolderMediaStore(tmp_path / "media")
    free = await store.free_fraction()
    assert 0 < free <= 1
    for fraction, has_room in ((free / 2, True), (min(1.0, free * 1.5) + 0.01, False)):
        near = FolderMediaStore(tmp_path / "media", room_fraction=fraction)
        assert await near.has_room() is has_room


async def test_the_loop_goes_on_meanwhile(store: FolderMediaStore) -> None:
    longest_s, done = 0.0, False

    async def beat() -> None:
        nonlocal longest_s
        while not done:
            started = time.perf_counter()
            await anyio.sleep(0)
            longest_s = max(longest_s, time.perf_counter() - started)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beat)
        await anyio.sleep(0)
        data = os.urandom(20 * MEBIBYTE)
        longest_s = 0.0
        for _ in range(3):
            await store.put(data, most_bytes=len(data))
        done = True
    assert longest_s < 0.25
