"""A small pool of decoding children for asyncio: a photo can end a child, never the service."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import msgspec

from services.intake.adapters.photos.messages import (
    HELLO,
    LENGTH_BYTES,
    MOST_MESSAGE_BYTES,
    TASKS_PER_CHILD,
    PhotoHeader,
    PhotoRefused,
    PhotoResult,
    Reply,
    SoundHeader,
    Task,
    Wanted,
    decode_reply,
    frame,
)

ROOT = Path(__file__).resolve().parents[4]
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "LC_ALL": "C.UTF-8",
    # One arena (each further one would take 64 MB of the address space), and what a picture took
    # goes back to the system at once: the next one has the whole limit again.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "262144",
    "MALLOC_TRIM_THRESHOLD_": "262144",
}
MODULE = "services.intake.adapters.photos.child"
TRIES = 2
START_S = 60.0


class ChildDied(Exception):
    """The child ended, went silent or answered nonsense; `too_costly` when a limit ended it."""

    def __init__(self, *, too_costly: bool) -> None:
        super().__init__("the decoding child ended")
        self.too_costly = too_costly


class PhotoProcessor:
    """`async with PhotoProcessor() as photos: await photos.process(path)`.

    At most `workers` photos are decoded at a time, further calls wait in line. A call that takes
    longer than `timeout_s` (wall clock) costs its child; the child's start is not counted. One
    that lost its child is tried once more with a fresh one: somebody else may have killed it.
    `ahead`: children start with it, else with their first photo.
    """

    ahead: ClassVar[bool] = True

    def __init__(
        self, *, workers: int = 1, most_pixels: int = 60_000_000, timeout_s: float = 20.0
    ) -> None:
        self._most_pixels = most_pixels
        self._timeout_s = timeout_s
        self._children = [_Child() for _ in range(workers)]
        self._idle: asyncio.LifoQueue[_Child] = asyncio.LifoQueue()

    async def __aenter__(self) -> Self:
        for child in self._children:
            if self.ahead:
                child.start()
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
        reply = await self._ask(path, "photo")
        return (
            reply if isinstance(reply, PhotoResult | PhotoRefused) else PhotoRefused("decoder-died")
        )

    async def read_exif(self, path: Path) -> PhotoHeader | PhotoRefused:
        """Place, time and orientation by the header alone; refuses what the header gives away.

        No pixel is decoded: damage inside the picture shows only in `process`.
        """
        reply = await self._ask(path, "header")
        return (
            reply if isinstance(reply, PhotoHeader | PhotoRefused) else PhotoRefused("decoder-died")
        )

    async def seconds_of(self, path: Path) -> float | None:
        """How long a voice note is; None when it does not say, or cannot be read."""
        reply = await self._ask(path, "sound")
        return reply.seconds if isinstance(reply, SoundHeader) else None

    def pids(self) -> list[int]:
        """The children that run now, for measurements."""
        return [child.pid for child in self._children if child.pid is not None]

    async def _ask(self, path: Path, wanted: Wanted) -> Reply:
        task = frame(Task(path=str(path), most_pixels=self._most_pixels, wanted=wanted))
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
    """One place in the pool; its process is started ahead and replaced when it is gone."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[asyncio.subprocess.Process] | None = None
        self._tasks = 0

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def start(self) -> asyncio.Task[asyncio.subprocess.Process]:
        """The start under way, or a new one.

        Whoever waits for it may leave: on a slow machine callers are less patient than the
        imports take, and a start that each of them broke off would never come to its end.
        """
        if self._starting is None:
            self._tasks = 0
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._starting

    async def ask(self, task: bytes, timeout_s: float) -> Reply:
        """Raises ChildDied; afterwards, or when cancelled while it works, the process is gone."""
        process = await self._running()
        answered = False
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._exchange(process, task)
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

    async def _exchange(self, process: asyncio.subprocess.Process, task: bytes) -> Reply:
        self._tasks += 1
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(task)
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
        if size > MOST_MESSAGE_BYTES:
            raise msgspec.DecodeError("the reply is too long")
        return decode_reply(await process.stdout.readexactly(size))

    async def _running(self) -> asyncio.subprocess.Process:
        died = self._process is not None and self._process.returncode is not None
        if died or self._tasks == TASKS_PER_CHILD:
            await self.end()
        return await asyncio.shield(self.start())

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-s",
                "-P",
                "-m",
                MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=ROOT,
                env=ENVIRONMENT,
                start_new_session=True,
                limit=MOST_MESSAGE_BYTES,
            )
            assert process.stdout is not None
            async with asyncio.timeout(START_S):
                await process.stdout.readexactly(len(HELLO))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self._starting = None
            await self.end()
            raise ChildDied(too_costly=False) from None
        return process

    async def end(self) -> int | None:
        """Kills the process if it runs; its exit code, None when there was none."""
        starting, self._starting = self._starting, None
        if starting is not None and not starting.done():
            starting.cancel()
            await asyncio.wait([starting])
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        return await process.wait()
