"""`yizhan up` as a child of the demo: free ports, a folder of its own, gone afterwards."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from yizhan import state
from yizhan.datafolder import ROOT, DataFolder
from yizhan.embedded.launch import wrapped
from yizhan.embedded.postgres import admin_url
from yizhan.environment import DATABASE
from yizhan.ports import free_port
from yizhan.trouble import Trouble

START_S = 600.0
"""The first start fetches 43 MB."""
STOP_S = 15.0
KEPT = ("YIZHAN_CACHE",)


class Product:
    """`start`, then the addresses are known; `stop` leaves nothing behind."""

    url: str
    kafka: str

    def __init__(self, say: Callable[[str], None], *, folder: Path | None = None) -> None:
        self._say = say
        self._heard: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._last = "it ended without a word"
        self.data = DataFolder(folder or Path(tempfile.mkdtemp(prefix="yizhan-demo-")))
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns when it said `ready`. Raises Trouble with its last words when it ended."""
        command = [sys.executable, "-m", "yizhan", "up"]
        command += ["--port", str(free_port()), "--data", str(self.data.path)]
        env = {n: v for n, v in os.environ.items() if not n.startswith("YIZHAN_") or n in KEPT}
        env |= {"YIZHAN_NOTIFY_WEBHOOK_LOOPBACK": "1"}
        self._process = subprocess.Popen(
            wrapped(command, death_signal=signal.SIGTERM),
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        threading.Thread(
            target=self._relay_lines, args=(self._process.stderr,), daemon=True
        ).start()
        threading.Thread(
            target=self._await_ready, args=(self._process.stdout,), daemon=True
        ).start()
        try:
            ready = self._heard.get(timeout=START_S)
        except queue.Empty:
            raise Trouble(f"not ready within {START_S:.0f} s") from None
        if ready is None:
            raise Trouble(self._last)
        self.url = ready.split()[1]
        self.kafka = self.state().kafka

    def _relay_lines(self, stderr: IO[str]) -> None:
        for line in stderr:
            if line.strip() and not line.startswith("  "):  # the welcome is for people who stay
                self._say(line.strip())
                said = line.partition("yizhan: ")[2].strip()
                self._last = said or self._last

    def _await_ready(self, stdout: IO[str]) -> None:
        for line in stdout:
            if line.startswith("ready "):
                self._heard.put(line)
        self._heard.put(None)

    def state(self) -> state.State:
        """Processes, ports, addresses. Raises Trouble when it is gone."""
        found = state.read(self.data.state_file)
        if found is None:
            raise Trouble("the state of the running product cannot be read")
        return found

    @property
    def admin_url(self) -> str:
        """The database as its superuser sees it."""
        server = self.state().database.partition("/")[0]
        url = admin_url(self.data.secrets.admin_password_file, server)
        return f"{url.rpartition('/')[0]}/{DATABASE}"

    def metric_urls(self) -> dict[str, str]:
        """Process -> its /metrics."""
        return {
            each.name: f"http://127.0.0.1:{each.port}/metrics"
            for each in self.state().processes
            if each.name not in ("kafka", "postgres")
        }

    def wait(self) -> None:
        """Until it ends by itself."""
        assert self._process is not None
        self._process.wait()

    def stop(self, *, keep_data: bool = False) -> None:
        """Asks, insists, and takes the folder away."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if not keep_data:
            shutil.rmtree(self.data.path, ignore_errors=True)
