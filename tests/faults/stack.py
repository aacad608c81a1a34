"""The whole product under its own supervisor, and the means to kill any part of it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.oracle import Oracle
from tests.integration.running import Up
from yizhan.datafolder import DataFolder
from yizhan.embedded.postgres import ADMIN
from yizhan.environment import present_services
from yizhan.state import ProcessState, runs

BACK_S = 120.0
UNLIMITED = {"YIZHAN_DLQ_MAX_RATIO": "1.0", "YIZHAN_DLQ_MAX_IN_ROW": "1000000"}
"""Poison is sent on purpose here; that limits halt a worker is tested elsewhere."""


class Stack:
    """One `yizhan up`."""

    def __init__(self, folder: Path) -> None:
        self.up = Up(folder)
        self.data = DataFolder(folder)
        self.services = present_services()
        self._killed: dict[str, int] = {}

    def start(self) -> None:
        """Returns when it is ready."""
        self.up.start(UNLIMITED | {"YIZHAN_NOTIFY_WEBHOOK_LOOPBACK": "1"})

    def stop(self) -> None:
        """Returns when it is gone."""
        self.up.stop()

    @property
    def url(self) -> str:
        """The origin that clients use."""
        return f"http://127.0.0.1:{self.up.port}"

    def oracle(self) -> Oracle:
        """For this stack's servers (their ports change with each `up`)."""
        state = self.up.state()
        password = self.data.secrets.admin_password_file.read_text().strip()
        return Oracle(
            state.kafka, f"postgresql://{ADMIN}:{password}@{state.database}", self.services
        )

    def workers(self) -> list[str]:
        """The names of the services' workers."""
        return list(self.services)

    async def kill(self, name: str) -> None:
        """SIGKILL to a process that runs; waits for it to run if it has to."""
        process = await self._running(name)
        assert process.pid is not None
        self._killed[name] = process.pid
        os.kill(process.pid, signal.SIGKILL)

    async def back(self, name: str) -> None:
        """Returns when the process that was killed last is replaced by a ready one."""
        killed = self._killed[name]

        def replaced() -> bool:
            now = self.up.process(name)
            return now.state == "ready" and now.pid != killed

        await until(replaced, BACK_S)

    async def _running(self, name: str) -> ProcessState:
        await until(lambda: runs(self.up.process(name)), BACK_S)
        return self.up.process(name)

    async def all_ready(self) -> None:
        """Returns when the supervisor calls every process ready."""
        await until(lambda: all(p.state == "ready" for p in self.up.state().processes), BACK_S)

    def restarts(self) -> int:
        """How often processes ended since the start."""
        return sum(each.restarts for each in self.up.state().processes)

    async def kill_everything(self) -> None:
        """The supervisor first, so that nothing is started anew; then all that is left."""
        state = self.up.state()
        os.kill(state.supervisor_pid, signal.SIGKILL)
        for process in state.processes:
            if runs(process) and process.pid is not None:
                os.kill(process.pid, signal.SIGKILL)
        await until(lambda: not any(runs(process) for process in state.processes), BACK_S)


async def until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Polls; fails at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s"
        await asyncio.sleep(0.05)
