"""People on the real bus: phones join their person, suspensions are obeyed, people forgotten."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.photo_files import exif, quarters, saved
from tests.integration.running import Up, wait_for

HERE = {"lat": 34.2245, "lon": 108.9470}
AWAY = {"lat": 34.2345, "lon": 108.9470}
PHOTO = saved(quarters(), "JPEG", exif=exif())
WAIT_S = 60


class JsCode2Session(BaseHTTPRequestHandler):
    """WeChat's endpoint: everybody is the same person."""

    def do_GET(self) -> None:
        body = json.dumps({"openid": "o-1", "session_key": "k"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def wechat() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), JsCode2Session)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/sns/jscode2session"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("people") / "data")
    with wechat() as url:
        told = {"APPID": "wx1", "SECRET": "s", "URL": url}
        running.start({f"YIZHAN_INTAKE_WECHAT_{name}": value for name, value in told.items()})
        yield running
        running.stop()


class Phone:
    """An anonymous reporter with a device of its own."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self.device = {"device_id": str(uuid4())}
        given = up.client().post("/v1/sessions", json=self.device).json()
        self.device["device_secret"] = given["device_secret"]
        self.id: str = given["reporter_id"]
        self.client = up.client(given["access_token"])

    def reports(self, place: dict[str, float]) -> str:
        """Its report with a photo; the id."""
        photo = self.client.post("/v1/media", content=PHOTO).json()["id"]
        body = {"text": "井盖破了", "category": "01023", "place": place, "media": [photo]}
        answer = self.client.post("/v1/reports", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def signs_in(self) -> httpx.Client:
        """As the one person whom WeChat knows."""
        body = self.device | {"wechat_code": "c"}
        answer = self.up.client().post("/v1/sessions", json=body)
        assert answer.status_code == 201, answer.text
        return self.up.client(answer.json()["access_token"])


def case_of(reporter: httpx.Client, report: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def there() -> bool:
        found.update(reporter.get(f"/v1/reports/{report}").json().get("case") or {})
        return found.get("community") is not None

    wait_for(there, WAIT_S)
    return found


def until(ask: Callable[[], bool]) -> None:
    wait_for(ask, WAIT_S)


def test_a_second_phone_joins_its_person(up: Up) -> None:
    first, second = Phone(up), Phone(up)
    mine = {first.reports(HERE), second.reports(AWAY)}
    person = first.signs_in()
    for phone, report in ((first, sorted(mine)[0]), (second, sorted(mine)[1])):
        case_of(phone.client, report)
    person = second.signs_in()
    assert second.client.get("/v1/me").status_code == 401

    def all_mine() -> bool:
        listed = person.get("/v1/reports").json()["reports"]
        return {each["id"] for each in listed} == mine

    until(all_mine)
    paths = [f"/v1/cases/{case_of(person, report)['id']}" for report in mine]
    until(lambda: all(person.get(path).status_code == 200 for path in paths))


def test_a_suspension_is_obeyed_at_both_doors(up: Up) -> None:
    owner, other = Phone(up), Phone(up)
    case = case_of(owner.client, owner.reports({"lat": 34.2445, "lon": 108.9470}))
    operator = up.staff("operator")
    path, join = f"/v1/observers/{other.id}", f"/v1/cases/{case['id']}/join"
    body = {"state": "suspended", "reason": "abuse"}
    assert operator.put(path, json=body).status_code == 200
    assert other.client.post("/v1/reports", json={"text": "垃圾"}).status_code == 403

    def refused() -> bool:
        return str(other.client.post(join).json().get("type")) == "/problems/reporter-suspended"

    until(refused)
    body = {"state": "active", "reason": "appeal-granted"}
    assert operator.put(path, json=body).status_code == 200
    assert other.client.post("/v1/reports", json={"text": "垃圾"}).status_code == 202
    until(lambda: not refused())


def test_an_original_and_who_opened_it(up: Up) -> None:
    phone = Phone(up)
    report = phone.reports({"lat": 34.2265, "lon": 108.9470})
    case = case_of(phone.client, report)
    handler = up.staff("handler", "--community", case["community"]["code"])
    photo = handler.get(f"/v1/cases/{case['id']}").json()["media"][0]["id"]
    path = f"/v1/cases/{case['id']}/media/{photo}/original"
    assert phone.client.post(path).status_code == 403
    given = handler.post(path)
    assert given.status_code == 201, given.text
    original = up.client().get(given.json()["url"])
    assert (original.status_code, original.content) == (200, PHOTO)
    lines = up.staff("operator").get(f"/v1/media/{photo}/openings").json()["openings"]
    assert [(line["role"], line["case_id"]) for line in lines] == [("handler", case["id"])]


def test_a_person_is_forgotten_everywhere(up: Up) -> None:
    phone = Phone(up)
    report = phone.reports({"lat": 34.2645, "lon": 108.9470})
    case = case_of(phone.client, report)
    operator = up.staff("operator")
    shown = operator.get(f"/v1/cases/{case['id']}").json()
    assert shown["reports"][0]["reporter_id"] == phone.id
    assert phone.client.delete("/v1/me").status_code == 204
    assert phone.client.get("/v1/reports").status_code == 401

    def forgotten() -> bool:
        after = operator.get(f"/v1/cases/{case['id']}").json()
        return phone.id not in json.dumps(after) and after["text"] is None and not after["media"]

    until(forgotten)
    assert operator.get(f"/v1/observers/{phone.id}").status_code == 404
