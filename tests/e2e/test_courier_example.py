"""The example client: added without a network, killed while it sends, everything once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from examples.courier import Box
from tests.e2e.stranger import HOME, Client, eventually, photo
from tests.integration.running import ROOT, Up

pytestmark = pytest.mark.timeout(300)
REPORTS = 24
KILLS = 6
LAT, LON, _ = HOME


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("courier") / "data")
    running.start()
    yield running
    running.stop()


def courier(box: Path, port: int, *command: str | Path) -> subprocess.Popen[bytes]:
    options = ("--url", f"http://127.0.0.1:{port}", "--box", str(box))
    return subprocess.Popen(
        [sys.executable, "-m", "examples.courier", *options, *map(str, command)],
        cwd=ROOT,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def done(process: subprocess.Popen[bytes]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    return out.decode()


def fewer(box: Path, than: int) -> bool:
    return len(Box(box).waiting()) < than


def test_everything_once_although_it_is_killed_again_and_again(up: Up, tmp_path: Path) -> None:
    box = tmp_path / "box"
    for number in range(REPORTS):
        picture = tmp_path / f"{number}.jpg"
        picture.write_bytes(photo((LAT, LON), seed=number))
        place = ["--lat", f"{LAT + number * 0.002}", "--lon", f"{LON}"]
        done(courier(box, 9, "add", "--text", f"第{number}盏灯不亮", "--photo", picture, *place))
    nowhere = courier(box, 9, "send")  # nobody listens there
    rng = random.Random(1)
    for _ in range(KILLS):
        left = len(Box(box).waiting())
        process = courier(box, up.port, "send")
        eventually(partial(fewer, box, left), "one more is sent")
        time.sleep(rng.uniform(0.0, 0.1))  # anywhere between two of its requests
        process.kill()
        process.communicate()
    assert Box(box).waiting(), "it was killed while something waited"
    nowhere.kill()
    nowhere.communicate()
    done(courier(box, up.port, "send"))
    sent = json.loads(done(courier(box, up.port, "list")))
    assert [each["state"] for each in sent] == ["sent"] * REPORTS
    mine = Client(f"http://127.0.0.1:{up.port}", Box(box).device()["access_token"])
    listed = mine.ask("GET", "/v1/reports", params={"limit": 100})["reports"]
    assert {each["id"] for each in listed} == {each["answer"]["id"] for each in sent}
    assert len(listed) == REPORTS
    for each in listed:
        media = mine.ask("GET", f"/v1/reports/{each['id']}")["accepted"]["media"]
        assert len(media) == 1

    def all_open() -> bool:
        found = mine.ask("GET", "/v1/reports", params={"limit": 100})["reports"]
        return all(report["case"] for report in found)

    eventually(all_open, "every report in a case")


def test_what_is_refused_stays_in_the_box_with_the_reason(up: Up, tmp_path: Path) -> None:
    box = tmp_path / "box"
    junk = tmp_path / "junk.jpg"
    junk.write_bytes(b"%PDF-1.7 not a photo")
    done(courier(box, 9, "add", "--photo", junk))
    process = courier(box, up.port, "send")
    process.communicate(timeout=60)
    assert process.returncode == 1
    (kept,) = json.loads(done(courier(box, up.port, "list")))
    assert (kept["state"], kept["answer"]["status"]) == ("refused", 415)
    assert Box(box).photos(kept["key"]), "nothing that was added is lost"


def test_wrong_use_is_one_line(tmp_path: Path) -> None:
    process = courier(tmp_path / "box", 9, "add")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and b"a photo or a sentence is needed" in err
