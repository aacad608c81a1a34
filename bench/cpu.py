"""CPU seconds and memory of processes, with all their children."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from bench.figures import Run

GENERATOR = "load generator"


@dataclass(frozen=True)
class Memory:
    """In MB. `pss`: pages that processes share are divided among them."""

    processes: int
    rss: float
    pss: float


class Meter:
    """Counts from its making on."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = {**pids, GENERATOR: os.getpid()}
        self._before = self._seconds()

    def used(self) -> Run:
        """CPU seconds by process since then."""
        now = self._seconds()
        return {name: max(0.0, now[name] - self._before[name]) for name in self._pids}

    def _seconds(self) -> Run:
        return {
            name: _own(pid) if name == GENERATOR else sum(map(_own, _family(pid)), _reaped(pid))
            for name, pid in self._pids.items()
        }


def memory(pid: int) -> Memory:
    """Of a process and its children."""
    found = [psutil.Process(each).memory_full_info() for each in _family(pid)]
    return Memory(
        len(found), sum(each.rss for each in found) / 1e6, sum(each.pss for each in found) / 1e6
    )


def _family(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def _own(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def _reaped(pid: int) -> float:
    """What children used that have ended."""
    times = psutil.Process(pid).cpu_times()
    return times.children_user + times.children_system
