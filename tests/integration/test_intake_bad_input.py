"""Bad input: each kind is a documented problem in Chinese and in English, never a 5xx."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from runtime.errors import CONTENT_TYPE, KINDS
from tests.integration.intake_set import Intake, installation, opened
from tests.integration.photo_files import png, quarters, saved
from tests.integration.service_set import Environment

PDF = b"%PDF-1.7\n" + bytes(1000)
PHOTO = saved(quarters(30, 30), "JPEG")
HERE = {"lat": 34.23, "lon": 108.95}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("bad") / "data") as found:
        yield found


@pytest_asyncio.fixture
async def intake(env: Environment) -> AsyncIterator[Intake]:
    async with opened(env) as found:
        yield found


@pytest_asyncio.fixture
async def device(intake: Intake) -> httpx.AsyncClient:
    return await intake.as_new_device()


JSON_CASES: list[tuple[str, Any, str]] = [
    ("no content", {}, "no-content"),
    ("only spaces", {"text": " \u3000\n\u200b\x00"}, "no-content"),
    ("only a place", {"place": HERE}, "no-content"),
    ("unknown field", {"text": "x", "points": 1}, "points"),
    ("reporter_id", {"text": "x", "reporter_id": "y"}, "reporter_id"),
    ("status", {"text": "x", "status": "closed"}, "status"),
    ("unknown field below", {"text": "x", "place": HERE | {"alt": 1}}, "place.alt"),
    ("text is a number", {"text": 5}, "text"),
    ("text is too long", {"text": "长" * 2001}, "text"),
    ("unknown category", {"text": "x", "category": "99999"}, "category"),
    ("category with a nul", {"text": "x", "category": "\0"}, "category"),
    ("latitude too large", {"text": "x", "place": {"lat": 91, "lon": 0}}, "place.lat"),
    ("longitude too small", {"text": "x", "place": {"lat": 0, "lon": -181}}, "place.lon"),
    ("latitude is a text", {"text": "x", "place": {"lat": "34", "lon": 0}}, "place.lat"),
    ("half a place", {"text": "x", "place": {"lat": 34}}, "place.lon"),
    ("unknown crs", {"text": "x", "place": HERE | {"crs": "utm"}}, "place.crs"),
    ("negative accuracy", {"text": "x", "place": HERE | {"accuracy_m": -1}}, "place.accuracy_m"),
    ("unknown medium", {"media": ["0" * 32]}, "media.0"),
    ("no id at all", {"media": ["../../etc/passwd"]}, "media.0"),
    ("media is no list", {"media": "x"}, "media"),
    ("a time without offset", {"text": "x", "observed_at": "2026-11-24T08:00:00"}, "observed_at"),
    ("attributes of texts", {"text": "x", "attributes": {"A": "b"}}, "attributes.A"),
    ("an array", [], ""),
    ("null", None, ""),
]


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The body of a documented problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == CONTENT_TYPE
    body: dict[str, Any] = answer.json()
    kind = KINDS[body["type"].removeprefix("/problems/")]
    assert body["status"] == kind.status == status
    assert body["title"] in (kind.zh, kind.en)
    return body


@pytest.mark.parametrize(("name", "body", "wrong"), JSON_CASES, ids=[row[0] for row in JSON_CASES])
async def test_a_report(device: httpx.AsyncClient, name: str, body: Any, wrong: str) -> None:
    chinese = problem(await device.post("/v1/reports", json=body), 422)
    english = problem(
        await device.post("/v1/reports", json=body, headers={"Accept-Language": "en"}), 422
    )
    assert chinese["title"] != english["title"]
    if wrong in KINDS:
        assert chinese["type"] == f"/problems/{wrong}"
    else:
        assert wrong in [each["field"] for each in chinese["errors"]]


RAW_CASES = [
    b"{",
    b"",
    b"\xff\xfe",
    b'{"text": NaN}',
    b'{"text":"x","place":{"lat":NaN,"lon":1}}',
    b'{"text":"x","place":{"lat":1e999,"lon":1}}',
    b'{"text":"\\ud800"}',
    b"[" * 100_000,
    b'{"attributes":' + b'{"a":' * 1000 + b"1" + b"}" * 1001,
]


@pytest.mark.parametrize("raw", RAW_CASES, ids=range(len(RAW_CASES)))
async def test_no_json(device: httpx.AsyncClient, raw: bytes) -> None:
    for path in ("/v1/reports", "/v1/reports/batch"):
        headers = {"Content-Type": "application/json"}
        problem(await device.post(path, content=raw, headers=headers), 422)


async def test_a_body_over_the_limit(device: httpx.AsyncClient) -> None:
    large = json.dumps({"text": "x" * 300_000}).encode()
    headers = {"Content-Type": "application/json"}
    for path in ("/v1/reports", "/v1/reports/batch", "/v1/sessions"):
        problem(await device.post(path, content=large, headers=headers), 413)
        problem(await device.post(path, content=in_pieces(large), headers=headers), 413)


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body whose length nobody says beforehand."""
    for at in range(0, len(body), 10_000):
        yield body[at : at + 10_000]


async def test_another_format(device: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/xml"}
    problem(await device.post("/v1/reports", content=b"<x/>", headers=headers), 415)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    problem(await device.post("/v1/reports", content=b"x", headers=headers), 415)


FORM_CASES: list[tuple[str, dict[str, Any], int]] = [
    ("nothing", {"data": {}, "files": {"photo": b""}}, 422),
    ("unknown field", {"data": {"text": "x", "points": "1"}, "files": {"photo": PHOTO}}, 422),
    ("unknown file", {"files": {"proof": PHOTO}}, 422),
    ("a PDF named .jpg", {"files": {"photo": ("a.jpg", PDF, "image/jpeg")}}, 415),
    ("a photo as a voice", {"files": {"voice": PHOTO}}, 415),
    ("two places", {"data": {"lat": "1", "lon": "1", "place": "{}"}, "files": {"p": b""}}, 422),
    ("no number", {"data": {"lat": "here", "lon": "1"}, "files": {"photo": PHOTO}}, 422),
    ("not a number", {"data": {"lat": "nan", "lon": "1"}, "files": {"photo": PHOTO}}, 422),
    ("a place of no JSON", {"data": {"place": "{"}, "files": {"photo": PHOTO}}, 422),
    ("unknown category", {"data": {"category": "x"}, "files": {"photo": PHOTO}}, 422),
    ("ten photos", {"files": [("photo", PHOTO + bytes([n])) for n in range(10)]}, 422),
    ("thirty photos", {"files": [("photo", PHOTO)] * 30}, 422),
    ("a text twice", {"data": {"text": ["a", "b"]}, "files": {"photo": PHOTO}}, 422),
]


@pytest.mark.parametrize(("name", "form", "status"), FORM_CASES, ids=[row[0] for row in FORM_CASES])
async def test_a_form(
    intake: Intake, device: httpx.AsyncClient, name: str, form: dict[str, Any], status: int
) -> None:
    before = await intake.sql("select count(*) from reports")
    problem(await device.post("/v1/reports", **form), status)
    assert await intake.sql("select count(*) from reports") == before


MULTIPART = "multipart/form-data"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (MULTIPART, b"x"),
        (f"{MULTIPART}; boundary=b", b"x"),
        (f"{MULTIPART}; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--"),
        (f"{MULTIPART}; boundary=b", b"--b\r\nX: " + b"y" * 100_000 + b"\r\n\r\nx\r\n--b--"),
    ],
    ids=["no boundary", "no parts", "no name", "a long header"],
)
async def test_no_form(device: httpx.AsyncClient, content_type: str, body: bytes) -> None:
    for path in ("/v1/reports", "/v1/media"):
        answer = await device.post(path, content=body, headers={"Content-Type": content_type})
        problem(answer, 422)


MEDIA_CASES = [
    ("0 bytes", b"", 422, "empty-file"),
    ("a PDF", PDF, 415, "unsupported-format"),
    ("HTML", b"<html><script>1</script>", 415, "unsupported-format"),
    ("cut off", saved(quarters(300, 300), "JPEG")[:2000], 422, "unreadable-photo"),
    ("a header only", b"\xff\xd8\xff", 422, "unreadable-photo"),
    ("61 megapixels", png(10_000, 6_100), 413, "too-large"),
    ("50,000 x 50,000", png(50_000, 50_000), 413, "too-large"),
    ("50 MB", b"\xff\xd8\xff" + bytes(50_000_000), 413, "too-large"),
    ("a voice of 6 MB", b"#!AMR\n" + bytes(6_000_000), 413, "too-large"),
]


@pytest.mark.parametrize(
    ("name", "data", "status", "slug"), MEDIA_CASES, ids=[row[0] for row in MEDIA_CASES]
)
async def test_a_medium(
    intake: Intake, device: httpx.AsyncClient, name: str, data: bytes, status: int, slug: str
) -> None:
    assert await kinds(device, data) == {(status, f"/problems/{slug}")}
    assert not await intake.sql("select id from media")
    left = [found async for batch in intake.context.store.list_older_than(-1) for found in batch]
    assert not left, "nothing of it is kept"


async def kinds(device: httpx.AsyncClient, data: bytes) -> set[tuple[int, str]]:
    """What it is answered with as a body, in pieces, and as a form."""

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 1_000_000):
            yield data[at : at + 1_000_000]

    answers = [
        await device.post("/v1/media", content=data),
        await device.post("/v1/media", content=pieces()),
        await device.post("/v1/media", files={"file": ("photo.jpg", data, "image/jpeg")}),
    ]
    return {(each.status_code, problem(each, each.status_code)["type"]) for each in answers}


async def test_a_form_of_media_has_one_file(device: httpx.AsyncClient) -> None:
    problem(await device.post("/v1/media", files={"photo": PHOTO}), 422)
    problem(await device.post("/v1/media", files=[("file", PHOTO)] * 2), 422)


@pytest.mark.parametrize("key", ["x" * 201, "a\tb", "日本".encode()])
async def test_a_key_out_of_shape(device: httpx.AsyncClient, key: str | bytes) -> None:
    headers = {b"Idempotency-Key": key.encode() if isinstance(key, str) else key}
    problem(await device.post("/v1/reports", json={"text": "x"}, headers=headers), 422)


async def test_a_batch_out_of_shape(device: httpx.AsyncClient) -> None:
    bodies: list[dict[str, Any]] = [{}, {"reports": []}, {"reports": [1]}]
    for body in (*bodies, {"reports": [{"text": "x"}] * 51}):
        problem(await device.post("/v1/reports/batch", json=body), 422)


async def test_an_unknown_community(intake: Intake) -> None:
    for query in ("code=000000000000", "cursor=x", "limit=0", "limit=5000", "outlines=perhaps"):
        problem(await intake.client.get(f"/v1/communities?{query}"), 422)


async def test_communities_come_in_pages(intake: Intake) -> None:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "400"} | ({"cursor": cursor} if cursor else {})
        page = (await intake.client.get("/v1/communities", params=query)).json()
        found += [each["code"] for each in page["communities"]]
        cursor = page["cursor"]
    assert found == list(intake.context.areas.communities)
    outlined = await intake.client.get("/v1/communities?outlines=true")
    assert 0 < len(outlined.json()["communities"]) <= 100
    tag = outlined.headers["etag"]
    same = await intake.client.get("/v1/communities?outlines=true", headers={"If-None-Match": tag})
    assert same.status_code == 304 and not same.content


async def test_nobody_and_the_wrong_role(intake: Intake) -> None:
    problem(await intake.client.post("/v1/reports", json={"text": "x"}), 401)
    problem(await intake.as_staff().post("/v1/reports", json={"text": "x"}), 403)
    forged = intake.with_headers({"Authorization": "Bearer x.y.z"})
    problem(await forged.post("/v1/reports", json={"text": "x"}), 401)


async def test_a_place_out_of_shape(device: httpx.AsyncClient) -> None:
    path = "/v1/reports/01a20d34-194d-7a58-b3ac-cc210141398a/place"
    problem(await device.post(path, json={"lat": 91, "lon": 0}), 422)
    problem(await device.post(path, json=HERE), 404)
    problem(await device.post("/v1/reports/not-an-id/place", json=HERE), 422)
