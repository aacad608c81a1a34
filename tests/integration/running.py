"""`yizhan up` as a child of a test, and other commands beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from yizhan import state
from yizhan.ports import free_port
from yizhan.state import ProcessState, State

ROOT = Path(__file__).resolve().parents[2]
START_S = 180.0


def wait_for(condition: Callable[[], bool], timeout_s: float) -> None:
    """Polls; fails the test at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s"
        time.sleep(0.05)


def call(
    *args: str | Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Another command of the command line, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "yizhan", *map(str, args)],
        cwd=ROOT,
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Up:
    """One data folder and the `up` that runs with it; `before` stands before the command."""

    def __init__(self, data: Path, before: Sequence[str] = ()) -> None:
        self.data = data.resolve()
        self.port = free_port()
        self._before = before
        self._out = data.with_name(data.name + ".out")
        self._err = data.with_name(data.name + ".err")
        self._process: subprocess.Popen[bytes] | None = None
        self.returncode: int | None = None

    def start(self, env: Mapping[str, str] | None = None) -> None:
        """Returns when it said `ready`; fails the test when it ended or takes too long."""
        options = ["--port", str(self.port), "--data", str(self.data)]
        if self._process is not None:
            self._process.wait(15)  # the one before was stopped or killed
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [*self._before, sys.executable, "-m", "yizhan", "up", *options],
                cwd=ROOT,
                env=os.environ | (env or {}),
                stdout=out,
                stderr=err,
            )
        process = self._process

        def ready() -> bool:
            assert process.poll() is None, self._err.read_text()
            return "ready" in self.stdout()

        wait_for(ready, START_S)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Returns when it is gone."""
        if self._process is not None:
            self._process.send_signal(number)
            self.returncode = self._process.wait(15)

    def token(self, *options: str) -> str:
        """What `yizhan token` prints with these options."""
        done = call("token", *options, "--data", self.data)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def client(self, token: str = "") -> httpx.Client:
        """Somebody with this token; nobody's without one."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"http://127.0.0.1:{self.port}"
        return httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)

    def staff(self, role: str, *more: str) -> httpx.Client:
        """Somebody of that role."""
        return self.client(self.token("--role", role, *more))

    def stdout(self) -> str:
        """All that it printed for programs."""
        return self._out.read_text()

    def state(self) -> State:
        """The state file."""
        found = state.read(self.data / "run" / "state.json")
        assert found is not None
        return found

    def process(self, name: str) -> ProcessState:
        """One process in the state file."""
        return next(each for each in self.state().processes if each.name == name)
