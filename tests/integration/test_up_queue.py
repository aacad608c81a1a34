"""A queue from outside, on the real bus: in the terminal, and in a department's own database."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.running import ROOT, Up, call, wait_for

HERE = (34.25732, 108.94348)
COMMUNITY = "610103001002"
WAIT_S = 60


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("queue") / "data")
    running.start()
    yield running
    running.stop()


def report(up: Up, number: int) -> str:
    """A report of a matter of its own, so that no two are joined; its id."""
    with up.client() as nobody:
        given = nobody.post("/v1/sessions", json={"device_id": str(uuid4())}).json()
    category = ("06042", "01037", "04013", "01023", "09009", "06013", "02017", "03005")[number % 8]
    place = {"lat": HERE[0], "lon": HERE[1]}
    with up.client(given["access_token"]) as mine:
        answer = mine.post(
            "/v1/reports", json={"text": "请处理", "category": category, "place": place}
        )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def queue(up: Up) -> dict[str, Any]:
    """The community's open cases by id."""
    handler = up.token("--role", "handler", "--community", COMMUNITY)
    with up.client(handler) as asking:
        answer = asking.get(f"/v1/communities/{COMMUNITY}/queue", params={"limit": 200})
    return {case["id"]: case for case in answer.json()["cases"]}


def act(up: Up, case: dict[str, Any], action: str, **body: Any) -> dict[str, Any]:
    handler = up.token("--role", "handler", "--community", COMMUNITY)
    with up.client(handler) as asking:
        told = {"revision": case["revision"]} | body
        answer = asking.post(f"/v1/cases/{case['id']}/{action}", json=told)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_follow_misses_and_repeats_nothing(up: Up, tmp_path: Path) -> None:
    """Through a kill -9 of the edge, which takes its streams along."""
    report(up, 0)
    wait_for(lambda: len(queue(up)) == 1, WAIT_S)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "yizhan", "queue", "follow", "--community", COMMUNITY]
    with out.open("wb") as lines:
        following = subprocess.Popen(
            [*command, "--json", "--data", str(up.data)],
            cwd=ROOT,
            env=os.environ,
            stdout=lines,
            stderr=subprocess.DEVNULL,
        )
    try:

        def told() -> list[tuple[str, str, int]]:
            whole, _, _ = out.read_text().rpartition("\n")
            found = [json.loads(line) for line in whole.splitlines()]
            return [(each["event"], each["case"]["id"], each["case"]["seq"]) for each in found]

        wait_for(lambda: len(told()) == 1, WAIT_S)
        first = told()[0]
        assert (first[0], first[2]) == ("open", 2)
        report(up, 1)
        wait_for(lambda: len(told()) == 2, WAIT_S)
        edge = up.process("edge").pid
        assert edge is not None
        os.kill(edge, signal.SIGKILL)
        wait_for(lambda: up.process("edge").pid not in (edge, None), WAIT_S)
        wait_for(lambda: up.process("edge").state == "ready", WAIT_S)
        act(up, queue(up)[first[1]], "accept")
        report(up, 2)
        wait_for(lambda: len(told()) == 4, WAIT_S)
        events = sorted((case, seq, event) for event, case, seq in told())
        assert len(set(events)) == 4
        assert [(seq, event) for case, seq, event in events if case == first[1]] == [
            (2, "open"),
            (3, "CaseAccepted"),
        ]
        assert sorted(event for event, _, _ in told()) == [
            "CaseAccepted",
            "CaseAssigned",
            "CaseAssigned",
            "open",
        ]
    finally:
        following.send_signal(signal.SIGINT)
        assert following.wait(15) == 0


def test_follow_says_what_is_wrong(up: Up) -> None:
    unknown = call("queue", "follow", "--community", "999", "--data", up.data)
    assert (unknown.returncode, "no queue of 999" in unknown.stderr) == (2, True)
    url = f"http://127.0.0.1:{up.port}"
    bad = call("queue", "follow", "--community", COMMUNITY, "--url", url, "--token", "x")
    assert (bad.returncode, "answers 401" in bad.stderr) == (1, True)


def test_a_departments_own_database(up: Up, tmp_path: Path) -> None:
    """Killed at random while cases come and change; in the end it says what the queue says."""
    mirror, chance = tmp_path / "cases.sqlite", random.Random(7)
    log = tmp_path / "log"

    def start() -> subprocess.Popen[bytes]:
        staff = up.token("--role", "handler", "--community", COMMUNITY)
        where = ("--kafka", up.state().kafka, "--url", f"http://127.0.0.1:{up.port}")
        who = ("--token", staff, "--community", COMMUNITY, "--mirror", str(mirror))
        with log.open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "examples.department", *where, *who],
                cwd=ROOT,
                env=os.environ | {"NO_PROXY": "127.0.0.1"},
                stdout=out,
                stderr=out,
            )

    def mirrored() -> dict[str, tuple[int, str]]:
        with closing(sqlite3.connect(mirror)) as found:
            rows = found.execute("select id, seq, state from cases where ours").fetchall()
        return {id_: (seq, state) for id_, seq, state in rows}

    process = start()
    for number in range(3, 7):
        report(up, number)
        wait_for(lambda: "snapshot" in log.read_text(), WAIT_S)
        case = chance.choice(sorted(queue(up).values(), key=lambda each: str(each["id"])))
        if case["state"] == "assigned":
            act(up, case, "accept")
        process.kill()
        process.wait(15)
        process = start()
    gone = next(case for case in queue(up).values() if case["state"] == "assigned")
    act(up, gone, "transfer", reason="other-department", department="lighting")

    def wanted() -> dict[str, tuple[int, str]]:
        return {id_: (case["seq"], case["state"]) for id_, case in queue(up).items()}

    try:
        wait_for(lambda: len(wanted()) >= 6 and mirrored() == wanted(), WAIT_S)
        with closing(sqlite3.connect(mirror)) as found:
            row = found.execute("select ours, state from cases where id = ?", (gone["id"],))
            assert row.fetchone() == (0, "assigned"), "handed over: not ours any more"
        assert log.read_text().count("snapshot") == 1, "it goes on where it was"
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0, log.read_text()
