"""The door's strict table: request -> status, content type, body shape. No broker is needed."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.integration.edge_set import edge
from tests.integration.open311_city import city_with
from tests.integration.open311_client import (
    BIN,
    PREFIX,
    REQUEST,
    TYPES,
    Door,
    checked,
    errors,
    root,
)
from tests.integration.photo_files import quarters, saved
from tests.integration.running import ROOT, wait_for
from tests.integration.whole_set import installation
from yizhan.environment import Installation, database_url
from yizhan.ports import free_port

pytestmark = pytest.mark.timeout(300)
KEY = "yz311_a key of a test"
HERE = {"lat": "34.2245", "long": "108.9470"}
BOTH = pytest.mark.parametrize("form", ["xml", "json"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("table") / "data") as found:
        add_key(found, KEY, "table")
        yield found


@pytest.fixture(scope="module")
def door(place: Installation) -> Iterator[Door]:
    with edge(place, place.data.path / "edge.log") as origin, Door(origin, KEY) as found:
        yield found


def sql(place: Installation, query: str, *values: Any) -> None:
    with psycopg.connect(database_url(place.database, "intake", place.data)) as connection:
        connection.execute(query.encode(), values)


def add_key(place: Installation, key: str, name: str) -> None:
    digest = hashlib.sha256(key.encode()).digest()
    sql(place, "insert into api_clients (name, key_hash) values (%s, %s)", name, digest)


def new(**more: Any) -> dict[str, Any]:
    """A form that no other test sends."""
    return BIN | HERE | {"description": str(uuid4())} | more


@BOTH
def test_discovery_says_where_it_is(door: Door, form: str) -> None:
    body = checked(door.get(f"discovery.{form}"), form, 200)
    if form == "json":
        (endpoint,) = json.loads(body)["endpoints"]
        url, formats = endpoint["url"], endpoint["formats"]
    else:
        found = root(body).find("endpoints/endpoint")
        assert found is not None
        url, formats = found.findtext("url"), [each.text for each in found.iter("format")]
    assert url == door.url
    assert formats == ["text/xml", "application/json"]


def test_services_in_both_formats_say_the_same(door: Door) -> None:
    members = [
        "service_code", "service_name", "description", "metadata", "type", "keywords", "group",
    ]  # fmt: skip
    found = door.json("services")
    assert all(list(each) == members and isinstance(each["metadata"], bool) for each in found)
    tree = door.xml("services", jurisdiction_id="", lat="1", long="2")
    assert tree.tag == "services" and {each.tag for each in tree} == {"service"}
    told = [{inner.tag: inner.text for inner in each} for each in tree]
    wanted = [each | {"metadata": str(each["metadata"]).lower()} for each in found]
    assert told == [{k: v or None for k, v in each.items()} for each in wanted]
    english = door.http.get(f"{door.url}/services.json", headers={"Accept-Language": "en"}).json()
    assert english[0]["service_name"] == "Overflowing bin"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html", "nonsense"])
def test_the_suffix_alone_chooses(door: Door, accept: str) -> None:
    for form, kind in TYPES.items():
        answer = door.http.get(f"{door.url}/services.{form}", headers={"Accept": accept})
        assert answer.headers["content-type"] == kind


def test_every_definition_in_both_formats(door: Door) -> None:
    for service in door.json("services"):
        code = service["service_code"]
        found = door.json(f"services/{code}")
        assert list(found) == ["service_code", "attributes"]
        assert bool(found["attributes"]) == service["metadata"]
        tree = door.xml(f"services/{code}")
        assert (tree.tag, tree.findtext("service_code")) == ("service_definition", code)
        assert [e.tag for e in tree] == ["service_code", "attributes"]
        keys = [v.findtext("key") for v in tree.iter("value")]
        assert keys == [v["key"] for a in found["attributes"] for v in a["values"]]
        assert [int(a.findtext("order") or 0) for a in tree.iter("attribute")] == list(
            range(1, len(found["attributes"]) + 1)
        )


BAD_QUESTIONS = [
    ("services/none.{}", {}, 404),
    ("nothing.{}", {}, 404),
    ("requests/1.{}", {}, 404),
    ("requests/9f201e37-9bda-4d38-a3a4-573abe9b9435.{}", {}, 404),
    ("requests/01a210cb-c059-71b6-9127-9044cd42de89.{}", {}, 404),
    ("tokens/1.{}", {}, 404),
    ("tokens/ageccagabbaaaaaaaaaaaaaaaa.{}", {}, 404),
    ("requests.{}", {"status": "done"}, 400),
    ("requests.{}", {"start_date": "soon"}, 400),
    ("requests.{}", {"start_date": "2026-01-01", "end_date": "2026-06-01"}, 400),
    ("requests.{}", {"start_date": "2026-06-01", "end_date": "2026-01-01"}, 400),
    ("requests.{}", {"page_size": "501"}, 400),
    ("requests.{}", {"page": "-1"}, 400),
    ("requests.{}", {"q": "x" * 201}, 400),
    ("servicerequestupdates.{}", {"start_date": "2026-01-01", "end_date": "2026-06-01"}, 400),
]


@BOTH
@pytest.mark.parametrize(("path", "params", "status"), BAD_QUESTIONS, ids=str)
def test_bad_questions(
    door: Door, form: str, path: str, params: dict[str, str], status: int
) -> None:
    errors(door.get(path.format(form), **params), form, status)


BAD_FORMS: list[tuple[dict[str, Any], int, str]] = [
    ({"api_key": ""}, 403, "api_key"),
    ({"api_key": "wrong"}, 403, "api_key"),
    ({"api_key": "x" * 5000}, 403, "api_key"),
    ({"api_key": "wrong", "service_code": "none"}, 403, "api_key"),
    ({"service_code": ""}, 400, "service_code"),
    ({"service_code": "none"}, 404, "service_code"),
    ({"lat": "", "long": ""}, 400, "lat, long"),
    ({"lat": ""}, 400, "lat"),
    ({"lat": "north"}, 400, "lat"),
    ({"lat": "inf"}, 400, "lat"),
    ({"long": "181"}, 400, "long"),
    ({"description": "x" * 4001}, 400, "description"),
    ({"attribute[FILL]": ""}, 400, "attribute[FILL]"),
    ({"attribute[FILL]": "half"}, 400, "attribute[FILL]"),
    ({"attribute[FILL]": ["over", "full"]}, 400, "attribute[FILL]"),
    ({"attribute[DAYS]": "some"}, 400, "attribute[DAYS]"),
    ({"media_url": "javascript:alert(1)"}, 400, "media_url"),
    ({"address_string": "x" * 401}, 400, "address_string"),
]


@BOTH
@pytest.mark.parametrize(("more", "status", "said"), BAD_FORMS, ids=str)
def test_bad_forms(door: Door, form: str, more: dict[str, Any], status: int, said: str) -> None:
    told = errors(door.post(f"requests.{form}", new(**more)), form, status)
    assert len(told) == 1 and said in told[0]


def test_all_that_is_wrong_is_listed(door: Door) -> None:
    answer = door.post("requests.xml", new(lat="x", media_url="x") | {"attribute[FILL]": ""})
    assert len(errors(answer, "xml", 400)) == 3


@BOTH
def test_other_bad_requests(door: Door, form: str) -> None:
    url = f"{door.url}/requests.{form}"
    http = door.http
    errors(http.post(url, json={"service_code": "06042"}), form, 400)
    errors(http.post(url), form, 403)
    errors(http.post(url, content=b"\xff\xfe=1"), form, 403)
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    errors(http.post(url, content=b"--y\r\nnonsense", headers=broken), form, 400)
    errors(http.post(url, content=b"--x", headers={"Content-Encoding": "gzip"}), form, 415)
    errors(http.delete(url), form, 405)
    errors(http.post(f"{door.url}/services.{form}"), form, 405)
    big = {"Content-Length": str(10**9), "Content-Type": "application/x-www-form-urlencoded"}
    assert raw(door, f"POST {PREFIX}/requests.{form}", big).startswith(b"HTTP/1.1 413 ")
    many = "&".join(f"a{n}=1" for n in range(2000))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = http.post(url, content=many, headers=kind)
    assert answer.status_code in (400, 403)
    errors(answer, form, answer.status_code)


def raw(door: Door, line: str, headers: dict[str, str]) -> bytes:
    """The beginning of the answer to a request whose body never comes."""
    host, _, port = door.url.removeprefix("http://").partition("/")[0].partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        lines = [f"{line} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + b"a=1")
        answer = connection.recv(65536)
        assert b"Content Too Large" not in answer and b"problem+json" not in answer
        return answer


def test_unknown_suffixes_are_not_found(door: Door) -> None:
    for path in ("requests.html", "services.txt", "requests", "", "a/b/c", "requests/1.pdf"):
        errors(door.get(path), "xml", 404)


@BOTH
def test_a_request_is_there_at_once(door: Door, form: str) -> None:
    sent = new(description='垃圾 <b>&amp; "满"\x01\r\n ]]> 😀', email="somebody@example.org")
    answer = door.post(f"requests.{form}", sent | {"description": f"{sent['description']}{form}"})
    body = checked(answer, form, 200)
    if form == "json":
        report_id = json.loads(body)[0]["service_request_id"]
    else:
        (only,) = root(body)
        assert (root(body).tag, only.tag) == ("service_requests", "request")
        report_id = only.findtext("service_request_id") or ""
        assert [e.tag for e in only] == ["service_request_id", "service_notice", "account_id"]
    found = door.request(report_id)
    assert list(found) == REQUEST
    assert found["description"] == f'垃圾 <b>&amp; "满"\n]]> 😀{form}'
    assert (found["status"], found["lat"], found["long"]) == ("open", 34.2245, 108.947)
    at = datetime.fromisoformat(found["requested_datetime"])
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60
    assert found["updated_datetime"].endswith("+08:00")
    (in_list,) = door.json("requests", service_request_id=f"{report_id},1,,{uuid4()}")
    assert in_list == found
    (told,) = door.xml(f"requests/{report_id}")
    assert [e.tag for e in told] == REQUEST
    assert told.findtext("description") == found["description"]
    assert "somebody" not in door.get(f"requests/{report_id}.json?extensions=true").text


def test_what_is_no_error(door: Door) -> None:
    door.report(new(jurisdiction_id="anything", **{"attribute[uprn]": "1", "attribute[DAYS]": ""}))
    door.report(new(deviceid="d", first_name="A", phone="1", unknown="x", media_url=""))
    door.report(BIN | HERE | {"attribute[FILL]": "piled"})
    only = {"service_code": "06042", "attribute[FILL][]": "over", "address_string": "小寨东路 1 号"}
    found = door.request(door.report(only))
    assert (found["address"], found["lat"], found["description"]) == ("小寨东路 1 号", None, None)
    key_in_query = f"{door.url}/requests.json?api_key={KEY.replace(' ', '+')}"
    assert door.http.post(key_in_query, data=new()).status_code == 200


def test_long_urls_work(door: Door) -> None:
    ids = [door.report(new()) for _ in range(3)]
    long = [*(str(uuid4()) for _ in range(997)), *ids]
    found = door.json("requests", service_request_id=",".join(long))
    assert [each["service_request_id"] for each in found] == sorted(ids, reverse=True)
    too_long = ",".join([*long, "1"])
    errors(door.get("requests.xml", service_request_id=too_long), "xml", 400)


def test_the_same_form_is_the_same_request_for_a_day(door: Door, place: Installation) -> None:
    form = new()
    with ThreadPoolExecutor(10) as pool:
        ids = set(pool.map(lambda _: door.report(form), range(10)))
    assert len(ids) == 1
    age = "update idempotency_keys set created_at = created_at - %s::interval"
    sql(place, age, "23 hours 59 minutes")
    assert {door.report(form)} == ids
    sql(place, age, "2 minutes")
    later = door.report(form)
    assert later not in ids and door.report(form) == later


def test_a_clients_own_id_or_key_says_what_a_repeat_is(door: Door) -> None:
    form = new(external_id=str(uuid4()))
    first = door.report(form)
    assert door.report(form | {"unknown": "x"}) == first
    errors(door.post("requests.json", form | {"description": "other"}), "json", 400)
    header = {"Idempotency-Key": str(uuid4())}
    second = door.report(form, headers=header)
    assert second != first and door.report(form, headers=header) == second
    errors(door.post("requests.xml", new(), headers=header), "xml", 400)
    errors(door.post("requests.xml", new(), headers={"Idempotency-Key": "x" * 201}), "xml", 400)


def test_two_keys_are_two_clients(door: Door, place: Installation) -> None:
    name = str(uuid4())
    add_key(place, name, name)
    form = new(external_id="7")
    with Door(door.url.removesuffix(PREFIX), name) as other:
        assert other.report(form) != door.report(form)


def test_a_suspended_person_may_not_report(door: Door, place: Installation) -> None:
    person = {"account_id": str(uuid4())}
    reporter = "select reporter_id from reports where id = %s"
    report_id = door.report(new() | person)
    sql(place, f"update reporters set suspended_at = now() where id = ({reporter})", report_id)
    photo = [("media", ("a.jpg", saved(quarters(), "JPEG"), "image/jpeg"))]
    for files in (None, photo):
        errors(door.post("requests.xml", new() | person, files=files), "xml", 403)
    door.report(new())


def test_photos_public_and_private(door: Door) -> None:
    shown, hidden = saved(quarters(), "JPEG"), saved(quarters(320, 240), "PNG")
    files = [
        ("media", ("a.jpg", shown, "image/jpeg")),
        ("photo1", ("b.png", hidden, "image/png")),
        ("photo2", ("", b"", "application/octet-stream")),
    ]
    link = "https://reports.example.org/a.jpg"
    form = new(media_url=link)
    found = door.request(door.report(form, files=files), extensions="true")
    own = f"{door.url}/requests/{found['service_request_id']}/media/1.jpg"
    assert found["media_url"] == own
    assert found["extended_attributes"]["media_urls"] == [own, link]
    assert door.report(form, files=files) == found["service_request_id"]
    errors(door.http.get(own.replace("1.jpg", "2.jpg")), "xml", 404)
    errors(door.http.get(own.replace("1.jpg", "0.jpg")), "xml", 400)
    assert door.http.get(own).headers["retry-after"] == "1"  # nobody has prepared it here
    bad = [("media", ("a.jpg", b"not a photo", "image/jpeg"))]
    assert "media" in errors(door.post("requests.json", new(), files=bad), "json", 400)[0]
    ten = [("media", (f"{n}.jpg", shown, "image/jpeg")) for n in range(10)]
    errors(door.post("requests.xml", new(), files=ten), "xml", 400)


@BOTH
def test_bad_updates(door: Door, form: str) -> None:
    report_id = door.report(new())
    path = f"servicerequestupdates.{form}"
    good = {"service_request_id": report_id, "description": "x"}
    for more, status in [
        ({"api_key": "wrong"}, 403),
        ({"description": ""}, 400),
        ({"description": "x" * 4001}, 400),
        ({"status": "done"}, 400),
        ({"updated_datetime": "soon"}, 400),
        ({"service_request_id": ""}, 400),
        ({"service_request_id": str(uuid4())}, 404),
    ]:
        errors(door.post(path, good | more), form, status)
    answer = door.post(path, good)
    errors(answer, form, 503)  # its case comes in a moment
    assert answer.headers["retry-after"]


def test_errors_in_the_clients_language(door: Door) -> None:
    url = f"{door.url}/services/none.json"
    chinese = door.http.get(url, headers={"Accept-Language": "zh-CN"}).json()
    assert chinese == [{"code": 404, "description": "没有这个 service_code"}]


def test_a_city_with_tokens_and_jurisdictions(place: Installation, tmp_path: Path) -> None:
    rules = "tokens: true\njurisdictions: [a.cn, b.cn]\npublish: open311\n"
    city = city_with(tmp_path / "city", rules)
    with edge(place, tmp_path / "edge.log", city) as origin, Door(origin, KEY) as door:
        errors(door.get("services.xml"), "xml", 400)
        errors(door.get("services.xml", jurisdiction_id="c.cn"), "xml", 404)
        services = door.json("services", jurisdiction_id="b.cn")
        assert {each["type"] for each in services} == {"batch"}
        errors(door.post("requests.json", new()), "json", 400)
        errors(door.post("requests.json", new(jurisdiction_id="c.cn")), "json", 404)
        answer = door.post("requests.json", new(jurisdiction_id="a.cn"))
        (only,) = json.loads(checked(answer, "json", 200))
        assert list(only) == ["token"]
        (told,) = door.json(f"tokens/{only['token']}", jurisdiction_id="a.cn")
        assert told == {"service_request_id": None, "token": only["token"]}
        tree = door.xml(f"tokens/{only['token']}", jurisdiction_id="a.cn")
        assert tree.findtext("request/service_request_id") == ""
        errors(door.get("tokens/none.xml", jurisdiction_id="a.cn"), "xml", 404)


def test_the_door_alone_as_a_process(place: Installation, door: Door, tmp_path: Path) -> None:
    port = free_port()
    told = {
        name: value for name, value in place.edge().items() if "OPEN311" in name or "KEYS" in name
    }
    env = os.environ | told | {
        "YIZHAN_KAFKA": place.kafka,
        "YIZHAN_CITY": place.city,
        "YIZHAN_MODE": "local",
        "YIZHAN_PORT": str(port),
    }  # fmt: skip
    command = [sys.executable, "-m", "services.open311"]
    worker = subprocess.run(
        [*command, "worker"], cwd=ROOT, env=env, capture_output=True, check=False
    )
    assert worker.returncode == 2 and b"no worker" in worker.stderr
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*command, "api"], cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        with Door(f"http://127.0.0.1:{port}") as alone:
            wait_for(lambda: _answers(f"http://127.0.0.1:{port}/readyz"), 60)
            assert alone.json("services") == door.json("services")
            assert alone.json("discovery")["endpoints"][0]["url"] == alone.url
            answer = alone.get("requests.json")  # nobody is behind it
            errors(answer, "json", 503)
            assert answer.headers["retry-after"]
            page = alone.http.get(f"http://127.0.0.1:{port}/metrics").text
            assert 'route="/open311/v2/requests.{form}"' in page
    finally:
        process.terminate()
        process.wait(15)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
