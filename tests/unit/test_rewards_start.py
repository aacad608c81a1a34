"""Rewards does not start with a broken rules file: exit 2, one line with file, line and reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cities.folder import city_folder
from tests.sourcecode import ROOT


@pytest.mark.parametrize("part", ["worker", "api"])
def test_a_broken_file_stops_the_start(tmp_path: Path, part: str) -> None:
    folder = tmp_path / "town"
    shutil.copytree(city_folder("xian"), folder)
    file = folder / "rewards.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("month_cap: 300", "month_cap: many"), encoding="utf-8")
    line = 1 + text[: text.index("month_cap: 300")].count("\n")
    told = {
        "YIZHAN_CITY": str(folder),
        "YIZHAN_KAFKA": "127.0.0.1:9",
        "YIZHAN_MODE": "local",
        "YIZHAN_REWARDS_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.rewards", part],
        cwd=ROOT,
        env=os.environ | told,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert f"{file}:{line}: Expected `int`, got `str` (at $.month_cap)" in done.stderr
