"""The data folder and its small files: what is ours, what is kept, what is bounded."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from yizhan import state
from yizhan.datafolder import DataFolder
from yizhan.logfiles import bounded, last_line
from yizhan.trouble import Trouble

Usage = namedtuple("Usage", "total used free")


def test_a_new_folder_is_private_and_known_again(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "new")
    folder.make()
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert (folder.path / "secrets").stat().st_mode & 0o777 == 0o700
    folder.make()
    folder.open()


def test_an_open_folder_is_closed_again(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "new")
    folder.make()
    folder.path.chmod(0o755)
    folder.make()
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12, 10**6))
    with pytest.raises(Trouble, match="too little disk"):
        DataFolder(tmp_path / "new").make()


def test_one_folder_one_up(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "new")
    folder.make()
    folder.lock()
    with pytest.raises(Trouble, match="another `yizhan up`"):
        folder.lock()


def test_the_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert state.read(path) is None
    me = state.ProcessState(
        name="edge", pid=os.getpid(), started_ticks=state.start_ticks(os.getpid())
    )
    written = state.State(supervisor_pid=1, supervisor_ticks=2, processes=[me])
    state.write(path, written)
    assert state.read(path) == written
    path.write_text("{")
    assert state.read(path) is None


def test_a_process_is_known_by_its_start_too() -> None:
    ticks = state.start_ticks(os.getpid())
    assert ticks is not None
    assert state.runs(state.ProcessState(name="x", pid=os.getpid(), started_ticks=ticks))
    assert not state.runs(state.ProcessState(name="x", pid=os.getpid(), started_ticks=ticks - 1))
    assert not state.runs(state.ProcessState(name="x"))


def test_a_log_is_bounded_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "edge.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 100)
        bounded(log, max_bytes=200)
        assert log.stat().st_size == 100
        writer.write(b"y" * 101)
        bounded(log, max_bytes=200)
        assert log.stat().st_size == 0
        assert log.with_name("edge.log.1").stat().st_size == 201
        writer.write(b"z\n\n")
    assert log.read_bytes() == b"z\n\n"
    assert last_line(log) == "z"
