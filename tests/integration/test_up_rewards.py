"""From a report to points that count, on the real bus: held, registered, released, added up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.photo_files import quarters, saved
from tests.integration.running import Up, call, wait_for

HERE = {"lat": 34.2245, "lon": 108.9470}
WAIT_S = 60


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up") / "data")
    running.start()
    yield running
    running.stop()


def new_reporter(up: Up) -> httpx.Client:
    answer = up.client().post("/v1/sessions", json={"device_id": str(uuid4())})
    return up.client(answer.json()["access_token"])


def first(ask: Callable[[], Any]) -> Any:
    """The first answer that is not empty."""
    found: list[Any] = []

    def there() -> bool:
        found[:] = [ask()]
        return bool(found[0])

    wait_for(there, WAIT_S)
    return found[0]


def points(reporter: httpx.Client) -> tuple[int, int]:
    body = reporter.get("/v1/me/points").json()
    return body["balance"], body["pending"]


def closed_case(up: Up, reporter: httpx.Client) -> dict[str, Any]:
    """One report's case, resolved with an after-photo and confirmed by its reporter."""
    sent = {"text": "垃圾桶满了", "category": "06042", "place": HERE}
    report = reporter.post("/v1/reports", json=sent)
    assert report.status_code == 202, report.text
    operator = up.staff("operator")
    near = first(lambda: operator.get("/v1/cases/nearby", params=HERE).json()["cases"])
    path = f"/v1/cases/{near[0]['id']}"
    handler = up.staff("handler", "--community", near[0]["community"])
    photo = handler.post(
        "/v1/media", content=saved(quarters(), "JPEG"), headers={"Content-Type": "image/jpeg"}
    )
    assert photo.status_code == 201, photo.text
    case: dict[str, Any] = operator.get(path).json()
    for action, body in (("accept", {}), ("resolve", {"media": [photo.json()["id"]]})):
        answer = handler.post(f"{path}/{action}", json={"revision": case["revision"]} | body)
        assert answer.status_code == 200, answer.text
        case = answer.json()
    answer = reporter.post(f"{path}/confirm", json={})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "closed"
    closed: dict[str, Any] = answer.json()
    return closed | {"community": case["community"], "handler": handler}


def test_points_wait_for_the_registration_and_then_count(up: Up) -> None:
    reporter = new_reporter(up)
    case = closed_case(up, reporter)
    wait_for(lambda: points(reporter) == (0, 10), WAIT_S)
    registered = reporter.post("/v1/me/registration", json={"community": case["community"]})
    assert registered.status_code == 201, registered.text
    where = f"/v1/communities/{case['community']}/registrations/{registered.json()['id']}/confirm"
    assert case["handler"].post(where).status_code == 200
    wait_for(lambda: points(reporter) == (10, 0), WAIT_S)
    lines = reporter.get("/v1/me/points/entries").json()["entries"]
    assert [(each["step"], each["case_id"]) for each in lines] == [
        ("credited", case["id"]),
        ("held", case["id"]),
    ]
    reopened = reporter.post(f"/v1/cases/{case['id']}/reopen", json={})
    assert reopened.status_code == 200, reopened.text
    wait_for(lambda: points(reporter) == (0, 0), WAIT_S)
    done = call("ledger", "verify", "--json", "--data", up.data)
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert (answer["lines"], answer["points"], answer["findings"]) == (3, 0, [])


def test_no_event_was_lost_on_the_way(up: Up) -> None:
    wait_for(lambda: call("lag", "--data", up.data).returncode == 0, WAIT_S)
    assert call("dlq", "list", "--data", up.data).returncode == 0
