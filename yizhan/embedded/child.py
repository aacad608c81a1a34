"""One long-lived child process: start, signal, wait; used where no supervisor stands above."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from yizhan.trouble import Trouble

POLL_S = 0.02


class Child:
    """A child whose output goes to a file. `argv` comes from `launch.wrapped`."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Starts it in a session of its own, so that Ctrl-C reaches only us."""
        if self.alive():
            raise RuntimeError(f"{self.name} runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=None if env is None else dict(env),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Raises RuntimeError before the first launch."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process.pid

    def alive(self) -> bool:
        """True while the process runs (or is frozen)."""
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Sends a signal; silently nothing when it is gone."""
        if self.alive():
            os.kill(self.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 9.0) -> None:
        """The polite signal, then SIGKILL after the timeout; returns when it is gone."""
        if self._process is None:
            return
        self.send(number)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL and wait."""
        if self._process is not None:
            self.send(signal.SIGKILL)
            self._process.wait()


def wait_until(
    ready: Callable[[], bool], alive: Callable[[], bool], what: str, log: Path, timeout_s: float
) -> None:
    """Polls until ready. Raises Trouble with the log's name when it died or the time is up."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if not alive():
            raise Trouble(f"{what} ended while starting: see {log}")
        if time.monotonic() > deadline:
            raise Trouble(f"{what} was not ready within {timeout_s:.0f} s: see {log}")
        time.sleep(POLL_S)
