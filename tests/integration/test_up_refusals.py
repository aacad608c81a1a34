"""What `yizhan up` does not start with, each in one clear line."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.running import ROOT, call
from yizhan.datafolder import DataFolder
from yizhan.ports import free_port


def _foreign(data: Path) -> str:
    data.mkdir()
    (data / "thesis.txt").write_text("not ours")
    return "is not a data folder of yizhan"


def _file(data: Path) -> str:
    data.write_text("a file")
    return "is not a folder"


def _other_version(data: Path) -> str:
    DataFolder(data).make()
    (data / ".yizhan-data").write_text("99\n")
    return "another version"


def _old_database(data: Path) -> str:
    DataFolder(data).make()
    (data / "postgres").mkdir()
    (data / "postgres" / "PG_VERSION").write_text("12\n")
    return "was written by PostgreSQL 12"


@pytest.mark.parametrize("broken", [_foreign, _file, _other_version, _old_database])
def test_a_folder_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, broken: Callable[[Path], str]
) -> None:
    reason = broken(tmp_path / "data")
    done = call("up", "--port", str(free_port()), "--data", tmp_path / "data")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if reason in line]


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = call("up", "--port", str(port), "--data", tmp_path / "data")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"yizhan: port {port} is in use: name another one\n"


def test_a_broken_city_stops_the_start_with_file_and_line(tmp_path: Path) -> None:
    city = shutil.copytree(ROOT / "cities" / "xian", tmp_path / "city")
    rules = city / "city.yaml"
    rules.write_text(rules.read_text().replace("photo_bytes: 20971520", "photo_bytes: many"))
    line = rules.read_text().splitlines().index(next(filter(_many, rules.read_text().splitlines())))
    done = call("up", "--data", tmp_path / "data", env={"YIZHAN_CITY": str(city)})
    assert done.returncode == 2
    assert f"city.yaml:{line + 1}: " in done.stderr
    assert len(done.stderr.splitlines()) == 1


def _many(line: str) -> bool:
    return "photo_bytes: many" in line
