"""`make demo`'s own program: exit 0, whole result, nothing left; as a stranger would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.integration.running import ROOT

WITHIN_S = 240


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_S + 20)
def test_the_demo_holds(tmp_path: Path) -> None:
    env = os.environ | {"TMPDIR": str(tmp_path), "YIZHAN_DATA": str(tmp_path / "not-this")}
    done = subprocess.run(
        [sys.executable, "-m", "yizhan.demo", "--json", "--crowd", "40"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    result = json.loads(done.stdout)
    rows = result["expectations"]
    assert result["ok"] and all(row["expected"] == row["found"] for row in rows)
    assert {row["source"] for row in rows} == {"kafka", "sql", "http", "hook", "rules", "both"}
    assert sum(row["expected"] > 0 for row in rows) >= 50, "most rows count something"
    assert not list(tmp_path.iterdir()), "the folder went away"
    assert "\x1b" not in done.stderr, "no colour codes when piped"
    assert max(map(len, done.stderr.splitlines())) <= 100
    for told in (
        *("SYNTHETIC", "恰好一次", "地点不在本市范围内", "in the queue of"),
        *("报到备案成功", "获得 10 积分", "first-report reversed", "签名无误", "10 points"),
    ):
        assert told in done.stderr


def test_its_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "yizhan.demo", "--help"],
        cwd=tempfile.gettempdir(),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert {"--json", "--keep", "--crowd"} <= set(done.stdout.split())
