"""Hostile photos end at the child: cheap, refused, and the next photo is served."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from services.intake.adapters.photos.messages import (
    TASKS_PER_CHILD,
    PhotoRefused,
    PhotoResult,
    Refusal,
)
from services.intake.adapters.photos.processor import PhotoProcessor
from tests.integration import photo_files
from tests.sourcecode import ROOT

REASONS: dict[str, Refusal] = {
    "empty.jpg": "not-a-photo",
    "pdf.jpg": "not-a-photo",
    "page.jpg": "not-a-photo",
    "animation.gif": "not-a-photo",
    "huge.png": "too-many-pixels",
    "long.png": "too-many-pixels",
    "huge.jpg": "too-many-pixels",
    "huge.heic": "too-many-pixels",
    "canvas.webp": "too-many-pixels",
    "frames.png": "too-many-frames",
    "animation.webp": "too-many-frames",
    "scans.jpg": "too-many-frames",
    "cut.jpg": "damaged",
}


def folder_of(folder: Path) -> dict[str, Path]:
    paths = {}
    for name, data in photo_files.hostile().items():
        paths[name] = folder / name
        paths[name].write_bytes(data)
    return paths


def good(folder: Path) -> Path:
    path = folder / "good.jpg"
    path.write_bytes(photo_files.saved(photo_files.quarters(), "JPEG"))
    return path


def cpu_s(photos: PhotoProcessor) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in photos.pids())


async def until(true: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_each_is_refused_for_less_than_a_second(tmp_path: Path) -> None:
    async with PhotoProcessor() as photos:
        await photos.process(good(tmp_path))
        (child,) = photos.pids()
        for name, path in folder_of(tmp_path).items():
            before_s = cpu_s(photos)
            result = await photos.process(path)
            assert isinstance(result, PhotoRefused), name
            assert result.reason == REASONS.get(name, result.reason), name
            assert photos.pids() == [child], f"{name} cost a child"
            assert cpu_s(photos) - before_s <= 1.0, name
        assert isinstance(await photos.process(good(tmp_path)), PhotoResult)


async def test_a_header_that_lies_within_the_limits_is_cheap(tmp_path: Path) -> None:
    path = tmp_path / "lying.jpg"
    path.write_bytes(photo_files.jpeg_declaring(7700, 7700))
    async with PhotoProcessor() as photos:
        await photos.process(good(tmp_path))
        before_s = cpu_s(photos)
        await photos.process(path)
        assert cpu_s(photos) - before_s <= 1.0


async def test_the_header_is_enough_for_what_lies_there(tmp_path: Path) -> None:
    paths = folder_of(tmp_path)
    async with PhotoProcessor() as photos:
        for name, reason in REASONS.items():
            assert await photos.read_exif(paths[name]) == PhotoRefused(reason), name


@pytest.mark.slow
async def test_200_of_them_leave_the_service_as_it_was(tmp_path: Path) -> None:
    paths = list(folder_of(tmp_path).values())
    own = psutil.Process()
    async with PhotoProcessor(workers=2) as photos:
        await asyncio.gather(*(photos.process(path) for path in paths))
        before, files_before = own.memory_info().rss, own.num_fds()
        results = await asyncio.gather(
            *(photos.process(paths[number % len(paths)]) for number in range(200))
        )
        assert all(isinstance(result, PhotoRefused) for result in results)
        assert own.memory_info().rss - before < 20 * 2**20
        assert own.num_fds() <= files_before + 2
        assert all(psutil.Process(pid).memory_info().rss < 512 * 2**20 for pid in photos.pids())


async def test_a_photo_survives_the_death_of_its_child(tmp_path: Path) -> None:
    big = tmp_path / "big.png"
    big.write_bytes(photo_files.wide_png(8000, 7000, 3))
    async with PhotoProcessor() as photos:
        await photos.read_exif(big)
        (first,) = photos.pids()
        decoding = asyncio.create_task(photos.process(big))
        idle_s = cpu_s(photos)
        await until(lambda: cpu_s(photos) > idle_s + 0.05)
        os.kill(first, signal.SIGKILL)
        assert isinstance(await decoding, PhotoResult)
        (second,) = photos.pids()
        os.kill(second, signal.SIGKILL)
        assert isinstance(await photos.process(good(tmp_path)), PhotoResult)
        assert photos.pids() not in ([first], [second])


async def test_a_child_that_hangs_is_replaced(tmp_path: Path) -> None:
    async with PhotoProcessor(timeout_s=1.0) as photos:
        await photos.process(good(tmp_path))
        (child,) = photos.pids()
        os.kill(child, signal.SIGSTOP)
        assert await photos.process(good(tmp_path)) == PhotoRefused("too-costly")
        assert not psutil.pid_exists(child)
        assert isinstance(await photos.process(good(tmp_path)), PhotoResult)


async def test_the_kernel_ends_a_child_that_computes_too_long(tmp_path: Path) -> None:
    async with PhotoProcessor() as photos:
        await photos.process(good(tmp_path))
        (child,) = photos.pids()
        limits = Path(f"/proc/{child}/limits").read_text()
        rows = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
        assert rows["Max address space"] == [str(512 * 2**20)] * 2
        assert int(rows["Max cpu time"][0]) <= 6
        assert rows["Max core file size"][0] == rows["Max file size"][0] == "0"
        # What the kernel does at the soft limit, without the five seconds.
        os.kill(child, signal.SIGSTOP)
        asking = asyncio.create_task(photos.process(good(tmp_path)))
        os.kill(child, signal.SIGXCPU)
        os.kill(child, signal.SIGCONT)
        assert await asking == PhotoRefused("too-costly")
        assert isinstance(await photos.process(good(tmp_path)), PhotoResult)


async def test_a_caller_who_leaves_takes_the_child_along(tmp_path: Path) -> None:
    async with PhotoProcessor() as photos:
        await photos.process(good(tmp_path))
        (child,) = photos.pids()
        os.kill(child, signal.SIGSTOP)
        asking = asyncio.create_task(photos.process(good(tmp_path)))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert isinstance(await photos.process(good(tmp_path)), PhotoResult)


async def test_impatient_callers_do_not_break_off_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow machine an upload waits shorter than the decoder's imports take."""
    monkeypatch.setattr(PhotoProcessor, "ahead", True)
    async with PhotoProcessor() as photos:
        await until(lambda: bool(photos.pids()))
        (child,) = photos.pids()
        os.kill(child, signal.SIGSTOP)  # a slow start
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(photos.read_exif(good(tmp_path)), 0.02)
        assert photos.pids() == [child]
        os.kill(child, signal.SIGCONT)
        assert not isinstance(await photos.read_exif(good(tmp_path)), PhotoRefused)
        assert photos.pids() == [child]


async def test_a_child_is_replaced_after_its_share(tmp_path: Path) -> None:
    async with PhotoProcessor() as photos:
        path = good(tmp_path)
        await photos.read_exif(path)
        (first,) = photos.pids()
        for _ in range(TASKS_PER_CHILD):
            assert not isinstance(await photos.read_exif(path), PhotoRefused)
        assert photos.pids() != [first]
        assert not psutil.pid_exists(first)


async def test_no_child_outlives_the_service(tmp_path: Path) -> None:
    async with PhotoProcessor(workers=2) as photos:
        await asyncio.gather(*(photos.process(good(tmp_path)) for _ in range(2)))
        children = photos.pids()
        assert len(children) == 2
    assert not any(psutil.pid_exists(child) for child in children)

    orphaning = (
        "import asyncio, os, pathlib, sys\n"
        "from services.intake.adapters.photos.processor import PhotoProcessor\n"
        "async def main():\n"
        "    async with PhotoProcessor() as photos:\n"
        "        await photos.read_exif(pathlib.Path(sys.argv[1]))\n"
        "        print(*photos.pids(), flush=True)\n"
        "        os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", orphaning, str(good(tmp_path))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    (orphan,) = [int(pid) for pid in run.stdout.split()]
    await until(lambda: not _runs(orphan))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
