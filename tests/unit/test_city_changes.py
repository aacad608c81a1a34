"""A city's files change under running processes, and what the change would be."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from cities import live
from cities.folder import city_folder
from cities.live import Live
from cities.marked import CityError
from runtime import metrics
from services.dispatch.adapters.city import read_known
from yizhan.cli import cli


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "city"
    shutil.copytree(city_folder("xian"), copy)
    return copy


def changed(folder: Path, name: str, before: str, after: str) -> None:
    file = folder / name
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def test_good_files_are_taken_and_broken_ones_are_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live, "LOOK_S", 0.05)
    told = list[CityError | None]()
    city = Live(str(folder), read_known, told.append)
    first = city.now.city
    async with city.following():
        changed(folder, "city.yaml", "verify_after_h: 24", "verify_after_h: many")
        await until(lambda: len(told) == 1)
        assert "city.yaml" in str(told[0]) and city.now.city is first, "the old one stays"
        assert "broken" in caplog.text
        changed(folder, "city.yaml", "verify_after_h: many", "verify_after_h: 12")
        await until(lambda: len(told) == 2)
        assert told[1] is None
        assert (first.verify_after_h, city.now.city.verify_after_h) == (24, 12)
        assert city.now.city.version != first.version
        assert city.now.city is not first and city.now.areas.communities
        changed(folder, "city.yaml", "verify_after_h: 12", "verify_after_h: many")
        await until(lambda: len(told) == 3)
        changed(folder, "city.yaml", "verify_after_h: many", "verify_after_h: 12")
        await until(lambda: len(told) == 4)
        assert told[2] is not None and told[3] is None, "as it was before: nothing is broken now"


@pytest.mark.parametrize("service", ["intake", "dispatch", "rewards", "notify"])
async def test_workers_follow_the_files(
    service: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figure tells of a broken file, and of the mended one."""
    monkeypatch.setattr(live, "LOOK_S", 0.05)
    env = {
        "YIZHAN_CITY": str(folder),
        "YIZHAN_KAFKA": "127.0.0.1:9",
        "YIZHAN_MODE": "local",
        "YIZHAN_MEDIA_DIR": str(tmp_path),
        f"YIZHAN_{service.upper()}_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    }
    plan = import_module(f"services.{service}.worker").worker(env)
    figure = metrics.CITY_BROKEN.labels(service)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work()) for work in plan.beside]
        changed(folder, "city.yaml", "verify_after_h: 24", "verify_after_h: many")
        await until(lambda: figure._value.get() == 1)
        changed(folder, "city.yaml", "verify_after_h: many", "verify_after_h: 12")
        await until(lambda: figure._value.get() == 0)
        for task in tasks:
            task.cancel()


def run(*arguments: object) -> tuple[int, str]:
    answer = CliRunner().invoke(cli, ["city", *map(str, arguments)])
    return answer.exit_code, answer.output


def test_the_difference_is_shown(folder: Path) -> None:
    assert run("diff", "xian", folder) == (0, "")
    layer = json.loads((folder / "communities.geojson").read_text())
    gone, moved, named = layer["features"][:3]
    layer["features"] = layer["features"][1:]
    ring = moved["geometry"]["coordinates"][0]
    ring[1] = [(ring[0][0] + ring[1][0]) / 2 + 1e-5, (ring[0][1] + ring[1][1]) / 2 + 1e-5]
    named["properties"]["name"] = "新名社区居委会"
    (folder / "communities.geojson").write_text(json.dumps(layer))
    changed(folder, "categories.yaml", "accept_minutes: 30", "accept_minutes: 25")
    changed(folder, "routing.yaml", "border_m: 30", "border_m: 40")
    changed(folder, "city.yaml", "calendar: china", "calendar: weekdays")
    changed(folder, "notices.yaml", "\n", "\n\n")
    (folder / "open311.yaml").unlink()
    code, output = run("diff", "xian", folder)
    lines = output.splitlines()
    assert code == 1
    assert any(line.startswith(f"- community {gone['properties']['code']}") for line in lines)
    moved_code = moved["properties"]["code"]
    assert any(f"~ community {moved_code}" in line and "of its area" in line for line in lines)
    assert any("now" in line and "新名社区居委会" in line for line in lines)
    assert any(line.startswith("~ category") and "deadline" in line for line in lines)
    assert {"~ routing", "~ calendar", "~ notices.yaml", "- open311.yaml"} < set(lines)
    assert json.loads(run("diff", "xian", folder, "--json")[1]) == lines


def test_a_folder_is_checked_as_a_whole(folder: Path) -> None:
    code, output = run("check", "xian")
    assert code == 0 and "communities 3223" in output and "synthetic" in output
    changed(folder, "staff.yaml", "role: operator", "role: king")
    for of, said in ((folder, "staff.yaml"), ("atlantis", "there is no such city")):
        answer = CliRunner().invoke(cli, ["city", "check", str(of)])
        assert isinstance(answer.exception, CityError)
        assert said in str(answer.exception)
