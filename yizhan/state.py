"""What runs, in a file: for `yizhan status`, and for the next `up` after a kill."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

LEFTOVER_GRACE_S = 8.0


class ProcessState(msgspec.Struct, kw_only=True):
    """One supervised process. `started_ticks` (since boot) tells it from a later one of its id."""

    name: str
    state: str = "waiting"
    pid: int | None = None
    started_ticks: int | None = None
    restarts: int = 0
    port: int | None = None


class State(msgspec.Struct, kw_only=True):
    """The whole installation. Addresses are `host:port`; no password is in here."""

    supervisor_pid: int
    supervisor_ticks: int
    ready: bool = False
    url: str = ""
    kafka: str = ""
    database: str = ""
    embedded: bool = True
    processes: list[ProcessState] = []


def write(path: Path, state: State) -> None:
    """Replaces the file in one step."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=2))
    new.replace(path)


def read(path: Path) -> State | None:
    """The last state written, or None where there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return None


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (field 22 of /proc/PID/stat), or None."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def runs(process: ProcessState) -> bool:
    """Whether exactly this process is still there."""
    return process.pid is not None and start_ticks(process.pid) == process.started_ticks


def is_up(state: State | None) -> bool:
    """Whether the supervisor that wrote this is still there."""
    return state is not None and start_ticks(state.supervisor_pid) == state.supervisor_ticks


def stop_leftovers(state: State | None, say: Callable[[str], None]) -> None:
    """Ends what a killed supervisor left: only processes whose id and start time match."""
    if state is None:
        return
    left = [process for process in state.processes if runs(process)]
    for process in left:
        say(f"{process.name}: stopping a leftover (pid {process.pid})")
        _send(process, signal.SIGINT if process.name == "postgres" else signal.SIGTERM)
    deadline = time.monotonic() + LEFTOVER_GRACE_S
    while any(runs(process) for process in left) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in left:
        _send(process, signal.SIGKILL)
    while any(runs(process) for process in left):
        time.sleep(0.05)


def _send(process: ProcessState, number: signal.Signals) -> None:
    if runs(process) and process.pid is not None:
        os.kill(process.pid, number)
