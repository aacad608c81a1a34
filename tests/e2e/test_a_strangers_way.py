"""A stranger's way through a running `yizhan up`, by HTTP, from session to closed case."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from tests.e2e.stranger import (
    AWAY,
    HOME,
    Client,
    Json,
    LiveQueue,
    Reporter,
    eventually,
    photo,
    staff,
)
from tests.integration.running import Up
from yizhan import state
from yizhan.environment import present_services
from yizhan.ports import is_free

pytestmark = pytest.mark.timeout(300)
"""The first test of the module carries the start of everything."""
LAT, LON, COMMUNITY = HOME
CANARIES = {
    "text": "张三丰电话13912345678这盏灯坏了",
    "device": "canary-device-4711",
}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up") / "data")
    running.start({"YIZHAN_LOG_LEVEL": "DEBUG"})
    yield running
    running.stop()


@pytest.fixture(scope="module")
def url(up: Up) -> str:
    return f"http://127.0.0.1:{up.port}"


@pytest.fixture(scope="module")
def handler(up: Up, url: str) -> Client:
    return staff(url, up.data, "handler", "--community", COMMUNITY)


def test_from_one_photo_to_a_closed_case(url: str, handler: Client) -> None:
    """No text, no place, no category: the photo tells where and when."""
    reporter = Reporter(url)
    with LiveQueue(handler, COMMUNITY) as live:
        sent = reporter.send(picture=photo((LAT, LON), seed=1))
        assert re.fullmatch(r"[0-9A-Z]{7}", sent["code"])
        case = handler.waiting(COMMUNITY, sent["id"])
        assert (case["state"], case["community"]) == ("assigned", COMMUNITY)
        assert len(case["media"]) == 1
        live.until("CaseAssigned", case["id"])
        seen = eventually(partial(served, handler, case["media"][0]["id"]), "the photo's copy")
        assert seen.startswith(b"\xff\xd8") and b"Exif" not in seen
        handler.act(case["id"], "accept")
        handler.act(case["id"], "start")
        proof = handler.ask("POST", "/v1/media", 201, content=photo(None, seed=2))["id"]
        assert handler.act(case["id"], "resolve", media=[proof])["state"] == "resolved"
        live.until("CaseResolved", case["id"])
        assert reporter.act(case["id"], "confirm")["state"] == "closed"
        closed = live.until("CaseClosed", case["id"])
        told = reporter.report_when(sent["id"], lambda r: r["case"]["state"] == "closed")
        assert [line["type"] for line in told["timeline"] if line["about"] == "case"][-3:] == [
            "CaseConfirmed",
            "CaseVerified",
            "CaseClosed",
        ]
        numbers = [event["id"] for event in live.events]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no gap"
        assert closed["case"]["allowed"] == ["comment"]
    assert all(each["id"] != case["id"] for each in handler.queue(COMMUNITY))


def served(client: Client, media_id: str) -> bytes | None:
    answer = client.http.get(f"/v1/media/{media_id}")
    return answer.content if answer.status_code == 200 else None


def test_a_second_report_of_the_same_joins(url: str, handler: Client) -> None:
    first, second = Reporter(url), Reporter(url)
    at = {"lat": LAT + 0.0005, "lon": LON + 0.0005}
    one = first.send(text="路灯不亮", place=at)
    case = handler.waiting(COMMUNITY, one["id"])
    near = {"lat": at["lat"] + 0.00005, "lon": at["lon"]}
    two = second.send(text="这里路灯坏了", place=near)
    joined = handler.waiting(COMMUNITY, two["id"])
    assert (joined["id"], joined["report_count"]) == (case["id"], 2)
    assert joined["revision"] == case["revision"], "me too gives the handler no conflict"
    mine = second.ask("GET", f"/v1/cases/{case['id']}")
    assert [each["report_id"] for each in mine["reports"]] == [two["id"]], "not the other's"
    Reporter(url).ask("GET", f"/v1/cases/{case['id']}", 404)


def test_a_report_can_be_followed_from_the_202_on(url: str, handler: Client) -> None:
    first, second = Reporter(url), Reporter(url)
    at = {"lat": LAT, "lon": LON - 0.001}
    sent = first.send(text="垃圾桶满了", place=at)
    assert first.report(sent["id"])["id"] == sent["id"], "right after the 202"
    joined = second.send(text="垃圾桶爆满", place=at)
    case = handler.waiting(COMMUNITY, joined["id"])
    handler.act(case["id"], "refuse", reason="nothing-there")
    for reporter, report_id in ((first, sent["id"]), (second, joined["id"])):
        told = reporter.report_when(report_id, ended)
        assert told["case"]["id"] == case["id"]
        assert told["case"]["refusal"]["code"] == "nothing-there"
    second.ask("GET", f"/v1/reports/{sent['id']}", 404)
    assert [each["id"] for each in first.ask("GET", "/v1/reports")["reports"]] == [sent["id"]]


def ended(report: Json) -> bool:
    return report["case"] is not None and report["case"]["state"] == "refused"


def test_outside_the_city_is_refused_with_the_reason(url: str) -> None:
    reporter = Reporter(url)
    sent = reporter.send(text="垃圾桶满了", place={"lat": AWAY[0], "lon": AWAY[1]})
    told = reporter.report_when(sent["id"], lambda report: report["status"] == "refused")
    assert (told["refusal"]["code"], told["case"]) == ("outside-city", None)


def test_a_place_is_asked_and_answered(url: str, handler: Client) -> None:
    reporter = Reporter(url)
    sent = reporter.send(text="有人在路边烧垃圾")
    eventually(partial(answered, reporter, sent["id"]), "the question for the place")
    assert handler.waiting(COMMUNITY, sent["id"])["category"] == "06020"


def answered(reporter: Reporter, report_id: str) -> bool:
    """409 until it is asked."""
    answer = {"lat": LAT - 0.001, "lon": LON}
    status = reporter.http.post(f"/v1/reports/{report_id}/place", json=answer).status_code
    assert status in (202, 409)
    return status == 202


def test_an_offline_repetition_is_one_report(url: str, handler: Client) -> None:
    """The phone sends the same form until it hears an answer; each attempt is a new body."""
    reporter, key, picture = Reporter(url), str(uuid4()), photo((LAT, LON + 0.001), seed=3)
    form = {"text": "人行道上的污水井盖不见了"}
    answers = [reporter.send(key=key, picture=picture, **form) for _ in range(3)]
    assert len({answer["id"] for answer in answers}) == 1
    case = handler.waiting(COMMUNITY, answers[0]["id"])
    assert (case["report_count"], len(case["media"]), case["dangerous"]) == (1, 1, True)
    changed = {"text": "别的事情"}
    headers = {"Idempotency-Key": key}
    problem = reporter.ask("POST", "/v1/reports", 422, json=changed, headers=headers)
    assert problem["type"] == "/problems/idempotency-key-reused"


def test_the_printed_lines_work_as_they_stand(up: Up, url: str) -> None:
    printed = up.data.with_name(up.data.name + ".err").read_text()
    lines = re.findall(r"^  .*$", printed, re.MULTILINE)
    script = "\n".join(lines[lines.index(next(x for x in lines if "TOKEN=" in x)) :])
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    done = subprocess.run(
        ["sh", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    sent = re.search(r'"id": *"([^"]+)"', done.stdout)
    assert sent, done.stdout
    first = httpx.get(f"{url}/v1/communities?limit=1").json()["communities"][0]["code"]
    case = staff(url, up.data, "operator").waiting(first, sent[1])
    assert case["community"] == first


def test_every_process_counts(up: Up, url: str, handler: Client) -> None:
    sent = Reporter(url).send(text="垃圾桶满了", place={"lat": LAT + 0.001, "lon": LON})
    handler.waiting(COMMUNITY, sent["id"])
    wanted = {
        "intake": 'yizhan_events_total{outcome="applied",service="intake",topic="submissions"}',
        "dispatch": 'yizhan_events_total{outcome="applied",service="dispatch",topic="reports"}',
        "tracking": 'yizhan_events_total{outcome="applied",service="tracking",topic="cases"}',
        "edge": 'yizhan_http_requests_total{method="POST",route="/v1/reports",status="202"}',
        "monitor": "kafka_consumergroup_lag{",
    }
    for name, metric in wanted.items():
        eventually(partial(value, up, name, metric), f"{name}: {metric}")
    assert value(up, "dispatch", "yizhan_post_to_queue_seconds_count") > 0
    assert value(up, "dispatch", 'yizhan_events_sent_total{service="dispatch",topic="cases"}') > 0


def page(up: Up, name: str) -> str:
    return httpx.get(f"http://127.0.0.1:{up.process(name).port}/metrics", trust_env=False).text


def value(up: Up, name: str, metric: str) -> float:
    """Of a sample; of lines that begin so, how many there are."""
    lines = [line for line in page(up, name).splitlines() if line.startswith(metric)]
    return float(len(lines)) if metric.endswith("{") else sum(float(x.split()[-1]) for x in lines)


def test_logs_tell_the_way_and_nothing_personal(up: Up, url: str, handler: Client) -> None:
    reporter = Reporter(url, CANARIES["device"])
    picture = photo((LAT - 0.0005, LON - 0.0005), seed=4)
    sent = reporter.send(picture=picture, text=CANARIES["text"])
    case = handler.waiting(COMMUNITY, sent["id"])
    handler.act(case["id"], "accept", note=CANARIES["text"])
    reporter.ask("POST", "/v1/reports", 422, json={"text": 13912345678})
    reporter.ask("POST", "/v1/reports", 422, json={CANARIES["device"]: "x"})
    logs = {path.name: path for path in (up.data / "logs").iterdir()}
    for service in present_services():
        log = logs[f"{service}.log"]
        eventually(partial(tells_of, log, sent["id"]), f"{sent['id']} in {log.name}")
    secret = {
        **CANARIES,
        "phone": "13912345678",
        "access token": reporter.token,
        "refresh token": reporter.given["refresh_token"],
        "device secret": reporter.given["device_secret"],
        "staff token": handler.token,
        "latitude": f"{LAT - 0.0005:.4f}",
    }
    texts = {name: path.read_text(errors="replace") for name, path in logs.items()}
    texts |= {f"{n} /metrics": page(up, n) for n in (*present_services(), "edge", "monitor")}
    texts |= {path.name: path.read_text() for path in up.data.parent.glob("data.*")}
    for name, text in texts.items():
        for what, canary in secret.items():
            assert canary not in text, f"{what} stands in {name}"


def tells_of(log: Path, report_id: str) -> bool:
    return f'"correlation_id":"{report_id}"' in log.read_text()


def test_ctrl_c_leaves_nothing_behind(up: Up) -> None:
    """Stands last: it ends what the module shares."""
    before = up.state()
    ports = [each.port for each in before.processes if each.port]
    up.stop(signal.SIGINT)
    assert up.returncode == 0
    assert not any(state.runs(process) for process in before.processes)
    assert all(is_free(port) for port in ports)
    assert not [p.pid for p in psutil.process_iter() if names(p, up.data)]


def names(process: psutil.Process, folder: Path) -> bool:
    try:
        return str(folder) in " ".join(process.cmdline())
    except psutil.Error:
        return False
