"""A small pool of decoding children for asyncio: a photo can end a child, never the service."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from services.intake.adapters.photos.messages import (
    LENGTH_BYTES,
    MOST_MESSAGE_BYTES,
    TASKS_PER_CHILD,
    PhotoHeader,
    PhotoRefused,
    PhotoResult,
    Reply,
    Task,
    decode_reply,
    frame,
)

ROOT = Path(__file__).resolve().parents[3]
MODULE = "services.intake.adapters.photos.child"
TRIES = 2


class ChildDied(Exception):
    """The child ended, went silent or answered nonsense; `too_costly` when a limit ended it."""

    def __init__(self, *, too_costly: bool) -> None:
        super().__init__("the decoding child ended")
        self.too_costly = too_costly


class PhotoProcessor:
    """`async with PhotoProcessor() as photos: await photos.process(path)`.

    At most `workers` photos are decoded at a time, further calls wait in line. A call that takes
    longer than `timeout_s` (wall clock) costs its child. One that lost its child is tried once more
    with a fresh one: somebody else may have killed it.
    """

    def __init__(
        self, *, workers: int = 1, most_pixels: int = 60_000_000, timeout_s: float = 20.0
    ) -> None:
        self._most_pixels = most_pixels
        self._timeout_s = timeout_s
        self._children = [_Child() for _ in range(workers)]
        self._idle: asyncio.LifoQueue[_Child] = asyncio.LifoQueue()

    async def __aenter__(self) -> Self:
        for child in self._children:
            self._idle.put_nowait(child)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in self._children:
            await child.end()

    async def process(self, path: Path) -> PhotoResult | PhotoRefused:
        """Decodes the photo: EXIF, hash and the served copies, or why it is refused."""
        reply = await self._ask(path, whole=True)
        return reply if not isinstance(reply, PhotoHeader) else PhotoRefused("decoder-died")

    async def read_exif(self, path: Path) -> PhotoHeader | PhotoRefused:
        """Place, time and orientation by the header alone; refuses what the header gives away.

        No pixel is decoded: damage inside the picture shows only in `process`.
        """
        reply = await self._ask(path, whole=False)
        return reply if not isinstance(reply, PhotoResult) else PhotoRefused("decoder-died")

    def pids(self) -> list[int]:
        """The children that run now, for measurements."""
        return [child.pid for child in self._children if child.pid is not None]

    async def _ask(self, path: Path, *, whole: bool) -> Reply:
        task = frame(Task(path=str(path), most_pixels=self._most_pixels, whole=whole))
        child = await self._idle.get()
        try:
            for _ in range(TRIES):
                try:
                    return await child.ask(task, self._timeout_s)
                except ChildDied as death:
                    if death.too_costly:
                        return PhotoRefused("too-costly")
            return PhotoRefused("decoder-died")
        finally:
            self._idle.put_nowait(child)


class _Child:
    """One place in the pool; its process is started when needed and replaced when gone."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._tasks = 0

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def ask(self, task: bytes, timeout_s: float) -> Reply:
        """Raises ChildDied; afterwards, or when cancelled, the process is gone."""
        answered = False
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._exchange(task)
            answered = True
            return reply
        except TimeoutError:
            raise ChildDied(too_costly=True) from None
        except (OSError, asyncio.IncompleteReadError, msgspec.DecodeError):
            code = await self.end()
            raise ChildDied(too_costly=code == -signal.SIGXCPU) from None
        finally:
            if not answered:
                await self.end()

    async def _exchange(self, task: bytes) -> Reply:
        process = await self._running()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(task)
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
        if size > MOST_MESSAGE_BYTES:
            raise msgspec.DecodeError("the reply is too long")
        return decode_reply(await process.stdout.readexactly(size))

    async def _running(self) -> asyncio.subprocess.Process:
        if self._tasks == TASKS_PER_CHILD:
            await self.end()
        if self._process is None or self._process.returncode is not None:
            self._tasks = 0
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-s",
                "-P",
                "-m",
                MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=ROOT,
                # One arena: each further one would take 64 MB of the address space.
                env={"PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "1", "LC_ALL": "C.UTF-8"},
                start_new_session=True,
                limit=MOST_MESSAGE_BYTES,
            )
        self._tasks += 1
        return self._process

    async def end(self) -> int | None:
        """Kills the process if it runs; its exit code, None when there was none."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        return await process.wait()
