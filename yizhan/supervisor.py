"""Keeps processes running: restarts a dead one with backoff, stops all in order and in time."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from yizhan.logfiles import bounded, last_line
from yizhan.state import ProcessState, start_ticks

BACKOFF_S = (0.5, 30.0)
HEALTHY_AFTER_S = 30.0
READY_POLL_S = 0.05
LOG_CHECK_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A process to keep. `argv` is asked before each start; `ready` tells when it serves.

    `kill_after_s` counts from the beginning of the whole stop.
    """

    name: str
    argv: Callable[[], list[str]]
    ready: Callable[[], Awaitable[bool]]
    log: Path
    env: Mapping[str, str]
    cwd: Path
    details: Path | None = None
    port: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    kill_after_s: float = 5.0


class Supervised:
    """One process and the task that keeps it."""

    def __init__(self, spec: Spec, changed: Callable[[], None]) -> None:
        self.spec = spec
        self.state = ProcessState(name=spec.name, port=spec.port)
        self.is_ready = asyncio.Event()
        self.last_exit: int | None = None
        self._ended = asyncio.Condition()
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self.task = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        backoff_s = BACKOFF_S[0]
        while not self._stopping.is_set():
            started_at = time.monotonic()
            code = await self._run_once(started_at)
            if self._stopping.is_set():
                break
            self.last_exit = code
            if time.monotonic() - started_at >= HEALTHY_AFTER_S:
                backoff_s = BACKOFF_S[0]
            self.state.restarts += 1
            self._set("backoff", f"{_ending(code)}; again in {backoff_s:g} s, see {self._log}")
            async with self._ended:
                self._ended.notify_all()
            await _first(self._stopping.wait(), asyncio.sleep(backoff_s))
            backoff_s = min(BACKOFF_S[1], 2 * backoff_s)
        self._set("stopped")

    @property
    def _log(self) -> Path:
        return self.spec.details or self.spec.log

    async def restarted(self, times: int) -> None:
        """Returns once the process has ended that often."""
        async with self._ended:
            await self._ended.wait_for(lambda: self.state.restarts >= times)

    def why_not_ready(self) -> str:
        """One line for the person who waited in vain."""
        ended = f" ({_ending(self.last_exit)})" if self.last_exit is not None else ""
        said = last_line(self.spec.log)
        return f"{self.spec.name} does not start{ended}: {said or 'nothing said'}; see {self._log}"

    async def _run_once(self, started_at: float) -> int:
        spec = self.spec
        try:
            with spec.log.open("ab") as out:
                self._process = await asyncio.create_subprocess_exec(
                    *spec.argv(),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    env=dict(spec.env),
                    cwd=spec.cwd,
                    start_new_session=True,
                )
        except Exception as error:  # no file, no memory, a server that lives: all may pass
            say(f"{spec.name}: cannot start: {error}")
            return 1
        self.state.pid = self._process.pid
        self.state.started_ticks = start_ticks(self._process.pid)
        self._set("starting")
        if self._stopping.is_set():
            self._send(spec.stop_signal)
        watching = asyncio.create_task(self._watch_ready(started_at))
        code = await self._process.wait()
        watching.cancel()
        self.is_ready.clear()
        self.state.pid = self.state.started_ticks = None
        return code

    async def _watch_ready(self, started_at: float) -> None:
        while not await self.spec.ready():  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(READY_POLL_S)
        self._set("ready", f"after {time.monotonic() - started_at:.1f} s")
        self.is_ready.set()

    def _set(self, state: str, why: str = "") -> None:
        self.state.state = state
        place = f" pid {self.state.pid}" if self.state.pid else ""
        port = f" port {self.spec.port}" if self.spec.port and state == "ready" else ""
        say(f"{self.spec.name:<9} {state:<8}{place}{port} {why}".rstrip())
        self._changed()

    async def stop(self, grace_s: float) -> None:
        """The polite signal, SIGKILL after the grace; returns when it is gone."""
        self._stopping.set()
        self._send(self.spec.stop_signal)
        done, _ = await asyncio.wait([self.task], timeout=grace_s)
        if not done:
            say(f"{self.spec.name:<9} did not stop in time: killed")
            self.kill()
            await asyncio.wait([self.task])

    def kill(self) -> None:
        """SIGKILL."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)


class Supervisor:
    """All processes, in the order in which they were started."""

    def __init__(self, changed: Callable[[list[ProcessState]], None]) -> None:
        self._all: list[Supervised] = []
        self._report = changed
        self._logs = asyncio.create_task(self._bound_logs())

    def start(self, spec: Spec) -> Supervised:
        """Starts keeping a process."""
        one = Supervised(spec, self._changed)
        self._all.append(one)
        return one

    def _changed(self) -> None:
        self._report([each.state for each in self._all])

    async def _bound_logs(self) -> None:
        while True:
            for each in self._all:
                bounded(each.spec.log)
            await asyncio.sleep(LOG_CHECK_S)

    async def stop(self) -> None:
        """Later stages first: what writes to the servers, then the servers together."""
        self._logs.cancel()
        began = time.monotonic()
        for grace_s in sorted({each.spec.kill_after_s for each in self._all}):
            stage = [each for each in self._all if each.spec.kill_after_s == grace_s]
            left_s = max(0.0, grace_s - (time.monotonic() - began))
            await asyncio.gather(*(each.stop(left_s) for each in stage))

    def kill(self) -> None:
        """SIGKILL to everything, for people in a hurry."""
        for each in self._all:
            each.kill()


def say(text: str) -> None:
    """A line for people, on standard error: standard output is for programs."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _ending(code: int) -> str:
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit {code}"


async def _first(*coroutines: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
