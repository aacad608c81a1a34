"""Open311 on the real bus: a request's whole life, as other systems see it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from georeport import GeoReport

from tests.integration.open311_client import BIN, REQUEST, Door, checked, errors, new_key, root
from tests.integration.photo_files import quarters, saved, with_everything
from tests.integration.running import Up, call, wait_for

pytestmark = pytest.mark.timeout(300)
WAIT_S = 60
UPDATES = "servicerequestupdates"
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up") / "data")
    running.start()
    yield running
    running.stop()


def origin(up: Up) -> str:
    return f"http://127.0.0.1:{up.port}"


@pytest.fixture(scope="module")
def door(up: Up) -> Iterator[Door]:
    with Door(origin(up), new_key(up, "Neighbour city")) as found:
        yield found


def somewhere() -> dict[str, str]:
    """A place that no other test uses: 60 m from the one before."""
    return {"lat": f"{34.2200 + 0.0006 * next(NUMBERS):.4f}", "long": "108.9470"}


def opened(door: Door, report_id: str) -> dict[str, Any]:
    """The request once its case has an owner."""
    wait_for(lambda: bool(door.request(report_id)["agency_responsible"]), WAIT_S)
    return door.request(report_id, extensions="true")


def case_of(up: Up, at: dict[str, str]) -> dict[str, Any]:
    """The case at that place, as the operator has it."""
    with up.staff("operator") as operator:
        query = {"lat": at["lat"], "lon": at["long"]}
        near = operator.get("/v1/cases/nearby", params=query).json()["cases"]
        cases = [operator.get(f"/v1/cases/{each['id']}").json() for each in near]
    lat = float(at["lat"])
    (only,) = [case for case in cases if abs(case["place"]["lat"] - lat) < 0.0002]
    return dict(only)


def closed(up: Up, case: dict[str, Any]) -> None:
    """Accepted, fixed with an after-photo, verified by the operator."""
    path = f"/v1/cases/{case['id']}"
    handling = ("handler", "--community", case["community"])
    with up.staff(*handling) as handler, up.staff("operator") as operator:
        photo = handler.post(
            "/v1/media", content=saved(quarters(), "JPEG"), headers={"Content-Type": "image/jpeg"}
        )
        steps = [
            (handler, "accept", {}),
            (handler, "resolve", {"media": [photo.json()["id"]], "note": "已清运"}),
            (operator, "verify", {}),
        ]
        for who, action, body in steps:
            answer = who.post(f"{path}/{action}", json={"revision": case["revision"]} | body)
            assert answer.status_code == 200, answer.text
            case = answer.json()
    assert case["state"] == "closed"


def test_from_post_to_closed_and_a_joined_request_follows(up: Up, door: Door) -> None:
    at = somewhere()
    first = door.report(BIN | at | {"description": "满了", "account_id": "1"})
    told = opened(door, first)
    assert (told["status"], told["extended_attributes"]["detailed_status"]) == ("open", "assigned")
    joined = door.report(BIN | at | {"description": "还是满的", "account_id": "2"})
    assert joined != first
    assert opened(door, joined)["agency_responsible"] == told["agency_responsible"]
    case = case_of(up, at)
    with up.staff("operator") as operator:
        queue = operator.get(f"/v1/communities/{case['community']}/queue")
        assert case["id"] in queue.text
    closed(up, case)
    wait_for(lambda: door.request(joined)["status"] == "closed", WAIT_S)
    both = door.json("requests", service_request_id=f"{first},{joined}")
    assert [each["service_request_id"] for each in both] == [joined, first]
    assert {(each["status"], each["status_notes"]) for each in both} == {("closed", "已办结")}
    assert [each["description"] for each in both] == ["还是满的", "满了"]
    notes = door.request(first, extensions="true")["extended_attributes"]["notes"]
    assert [each["type"] for each in notes][-1] == "CaseClosed"
    assert "已处理，等待核实\n已清运" in [each["description"] for each in notes]
    tree = door.xml(f"requests/{first}", extensions="true")
    assert len(tree.findall("request/extended_attributes/notes/note")) == len(notes)
    news = [each for each in door.json(UPDATES) if each["service_request_id"] == joined]
    assert news[-1]["status"] == "closed" and news[0]["status"] == "open"
    assert len({each["update_id"] for each in news}) == len(news)
    one = news[-1]["updated_datetime"]
    window = door.json(UPDATES, start_date=one, end_date=one)
    assert news[-1] in window
    assert door.json(UPDATES, end_date="2026-01-01") == []
    assert door.json(UPDATES, page="1", page_size="1") == door.json(UPDATES)[:1]


def test_filters_pages_and_windows(up: Up, door: Door) -> None:
    ids = []
    for n in range(5):
        where = somewhere()
        ids.append(door.report(BIN | where | {"description": f"page {n} ÄPFEL"}))
        opened(door, ids[-1])
    mine = list(reversed(ids))

    def found(**params: str) -> list[str]:
        return [each["service_request_id"] for each in door.json("requests", **params)]

    assert found(q="äpfel") == mine
    assert found(q="äpfel", status="open,closed", service_code="06042,none") == mine
    assert found(q="äpfel", status="closed") == found(q="äpfel", service_code="none") == []
    pages = [found(q="äpfel", page=str(n), page_size="2") for n in (1, 2, 3, 4)]
    assert pages == [mine[:2], mine[2:4], mine[4:], []]
    made = [door.request(each)["requested_datetime"] for each in mine]
    assert set(mine) <= set(found(start_date=made[-1], end_date=made[0]))
    assert found(end_date="2026-01-01") == []
    assert mine[0] in found(updated_after=made[0].replace("+", " "))
    assert mine[0] not in found(updated_before="2026-02-01")
    assert found(q="满溢")[0] == mine[0]


def test_somebody_elses_client_reads_it(up: Up, door: Door) -> None:
    first = door.report(BIN | somewhere())
    second = door.report(BIN | somewhere() | {"description": "<&>"})
    opened(door, first)
    for form in ("json", "xml"):
        client = GeoReport(f"{origin(up)}/open311/v2/", jurisdiction="any", output_format=form)
        services = client.get_service_list()
        assert len(services) > 50 and services[0]["service_code"] == "06042"
        attribute = client.get_service_definition("06042")["attributes"]
        assert "FILL" in json.dumps(attribute)
        request = client.get_service_request(second)
        assert (request["service_request_id"], request["description"]) == (second, "<&>")
        both = client.get_service_requests(service_request_id=f"{first},{second}", status="x")
        assert [each["service_request_id"] for each in both] == [second, first]
        listed = client.get_service_requests(
            service_code="06042", start_date=request["requested_datetime"], status="open"
        )
        found = listed if isinstance(listed, list) else [listed]
        assert second in {each["service_request_id"] for each in found}


def test_other_peoples_reports_show_no_words(up: Up, door: Door) -> None:
    at = somewhere()
    session = httpx.post(f"{origin(up)}/v1/sessions", json={"device_id": str(uuid4())}).json()
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    place = {"lat": float(at["lat"]), "lon": 108.947}
    sent = {"text": "我家门口的垃圾桶满了", "place": place}
    report = httpx.post(f"{origin(up)}/v1/reports", json=sent, headers=headers).json()
    told = opened(door, report["id"])
    assert list(told)[: len(REQUEST)] == REQUEST
    assert (told["description"], told["media_url"], told["service_code"]) == (None, None, "06042")
    assert (told["lat"], told["long"]) != (place["lat"], place["lon"])
    assert abs(told["lat"] - place["lat"]) < 0.001
    assert door.json("requests", q="我家门口") == []


def test_pictures_are_fetched_by_anybody_without_metadata(door: Door) -> None:
    photo = with_everything()["jpeg"]
    form = BIN | somewhere()
    report_id = door.report(form, files=[("media", ("a.jpg", photo, "image/jpeg"))])
    url = door.request(report_id)["media_url"]
    wait_for(lambda: httpx.get(url).status_code == 200, WAIT_S)
    answer = httpx.get(url)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8") and b"kept-secret" not in answer.content


def test_an_update_reaches_who_works_on_it(up: Up, door: Door) -> None:
    at = somewhere()
    report_id = door.report(BIN | at)
    opened(door, report_id)
    form = {
        "service_request_id": report_id,
        "update_id": "17",
        "description": "狗在翻垃圾",
        "status": "OPEN",
    }
    for _ in range(2):
        (only,) = root(checked(door.post(f"{UPDATES}.xml", form), "xml", 200))
        assert (only.tag, only[0].tag) == ("request_update", "update_id")
    case = case_of(up, at)
    with up.staff("operator") as operator:
        events = operator.get(f"/v1/cases/{case['id']}/events").text
    assert events.count("狗在翻垃圾") == 1
    errors(door.post(f"{UPDATES}.json", form | {"description": "x", "status": "OPEN"}), "json", 400)
    with Door(origin(up), new_key(up, "Somebody else")) as other:
        errors(other.post(f"{UPDATES}.json", form), "json", 404)


def test_outside_the_city_it_is_closed_with_the_reason(door: Door) -> None:
    report_id = door.report(BIN | {"lat": "31.2", "long": "121.5"})
    wait_for(lambda: door.request(report_id)["status"] == "closed", WAIT_S)
    assert door.request(report_id)["status_notes"] == "不予受理：地点不在本市范围内"
    assert report_id in {e["service_request_id"] for e in door.json("requests", status="closed")}


def test_a_revoked_key_ends_at_once(up: Up) -> None:
    name = '凤城 "quoted" city'
    key = new_key(up, name)
    again = call("open311", "key", "add", name, "--data", up.data)
    assert again.returncode == 1 and "Traceback" not in again.stderr
    with Door(origin(up), key) as door:
        door.report(BIN | somewhere())
        done = call("open311", "key", "revoke", name, "--data", up.data)
        assert done.returncode == 0, done.stderr
        errors(door.post("requests.xml", BIN | somewhere()), "xml", 403)
    assert call("open311", "key", "revoke", name, "--data", up.data).returncode == 1
    listed = call("open311", "key", "list", "--json", "--data", up.data).stdout
    (row,) = [each for each in json.loads(listed) if each["name"] == name]
    assert row["revoked_at"] and key not in listed
    assert key not in call("open311", "key", "list", "--data", up.data).stdout


def test_no_event_was_lost_on_the_way(up: Up) -> None:
    wait_for(lambda: call("lag", "--data", up.data).returncode == 0, WAIT_S)
    assert call("dlq", "list", "--data", up.data).returncode == 0
