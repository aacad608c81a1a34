"""What `yizhan up` does when its processes, or it itself, are killed, frozen or told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.integration.running import Up, call, wait_for
from yizhan import state


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up") / "data")
    running.start()
    yield running
    running.stop()


@pytest.mark.parametrize("name", ["monitor", "edge", "kafka", "postgres"])
def test_a_killed_process_comes_back(up: Up, name: str) -> None:
    before = up.process(name)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)

    def back() -> bool:
        now = up.process(name)
        return now.state == "ready" and now.pid != before.pid

    wait_for(back, 40)
    assert up.process(name).restarts == before.restarts + 1


def test_kill_9_of_the_supervisor_leaves_nothing_and_the_next_up_starts(up: Up) -> None:
    old = up.state()
    os.kill(old.supervisor_pid, signal.SIGKILL)
    up.start()
    assert not any(state.runs(process) for process in old.processes)
    assert up.state().supervisor_pid != old.supervisor_pid
    assert up.process("postgres").restarts == 0


def test_a_leftover_is_stopped_by_the_next_up(up: Up) -> None:
    """One that outlived its supervisor against all odds; and only if id and start time match."""
    up.stop()
    mine = subprocess.Popen(["sleep", "600"], start_new_session=True)
    other = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        last = up.state()
        ticks = state.start_ticks(mine.pid)
        last.processes = [
            state.ProcessState(name="edge", pid=mine.pid, started_ticks=ticks),
            state.ProcessState(name="monitor", pid=other.pid, started_ticks=1),
        ]
        state.write(up.data / "run" / "state.json", last)
        up.start()
        assert mine.wait(1) == -signal.SIGTERM
        assert other.poll() is None
    finally:
        mine.kill()
        other.kill()
        mine.wait()
        other.wait()


def test_everything_is_gone_within_ten_seconds_of_ctrl_c(up: Up) -> None:
    last = up.state()
    began = time.monotonic()
    up.stop(signal.SIGINT)
    assert time.monotonic() - began < 10
    assert up.returncode == 0
    assert not any(state.runs(process) for process in last.processes)
    done = call("status", "--json", "--data", up.data)
    assert done.returncode == 1
    assert json.loads(done.stdout)["up"] is False


def test_a_frozen_worker_does_not_hold_up_the_stop(up: Up) -> None:
    up.start()
    frozen = up.process("monitor")
    assert frozen.pid is not None
    os.kill(frozen.pid, signal.SIGSTOP)
    began = time.monotonic()
    up.stop()
    assert time.monotonic() - began < 10
    assert not state.runs(frozen)
