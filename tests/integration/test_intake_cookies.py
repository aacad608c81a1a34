"""Sessions of web pages: cookies that no script reads, writes from our own pages only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from http.cookies import SimpleCookie

import httpx
import pytest

from tests.integration.intake_set import Intake, installation, opened
from tests.integration.service_set import Environment

OURS = {"Origin": "http://intake"}
REPORT = {"text": "垃圾桶满了"}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("cookies") / "data") as found:
        yield found


@pytest.fixture
async def intake(env: Environment) -> AsyncIterator[Intake]:
    async with opened(env) as found:
        yield found


async def begun(page: httpx.AsyncClient) -> httpx.Response:
    body = {"device_id": "a browser", "cookie": True}
    answer = await page.post("/v1/sessions", json=body, headers=OURS)
    assert answer.status_code == 201, answer.text
    return answer


async def test_the_tokens_come_as_cookies_only(intake: Intake) -> None:
    answer = await begun(intake.with_headers({}))
    assert set(answer.json()) == {"reporter_id", "expires_in_s", "device_secret"}
    jar = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        jar.load(header)
    assert {name: each["path"] for name, each in jar.items()} == {
        "yizhan_access": "/",
        "yizhan_refresh": "/v1/sessions",
    }
    for each in jar.values():
        assert each["httponly"] and each["samesite"] == "strict"
        assert not each["secure"], "local mode has no TLS"


async def test_a_page_reads_writes_renews_and_leaves(intake: Intake) -> None:
    page = intake.with_headers({})
    await begun(page)
    assert (await page.get("/v1/me")).status_code == 200
    sent = await page.post("/v1/reports", json=REPORT, headers=OURS)
    assert sent.status_code == 202, sent.text
    before = dict(page.cookies)
    renewed = await page.post("/v1/sessions/refresh", headers=OURS)
    assert renewed.status_code == 200, renewed.text
    assert set(renewed.json()) == {"reporter_id", "expires_in_s"}
    assert page.cookies["yizhan_refresh"] != before["yizhan_refresh"]
    assert (await page.delete("/v1/sessions", headers=OURS)).status_code == 204
    assert not page.cookies
    page.cookies.set("yizhan_access", before["yizhan_access"])
    assert (await page.get("/v1/me")).status_code == 401, "ended, not only forgotten"


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://intake.evil.example"},
        {"Origin": "http://intake:81"},
        {"Origin": "intake"},
    ],
)
async def test_a_write_from_elsewhere_is_refused(intake: Intake, origin: dict[str, str]) -> None:
    page = intake.with_headers({})
    await begun(page)
    for method, path, body in (
        ("POST", "/v1/reports", REPORT),
        ("POST", "/v1/sessions/refresh", {}),
        ("PATCH", "/v1/me", {"language": "en"}),
        ("DELETE", "/v1/me", None),
        ("POST", "/v1/sessions", {"device_id": "x", "cookie": True}),
    ):
        answer = await page.request(method, path, json=body, headers=origin)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/other-site")
    assert (await page.get("/v1/me")).status_code == 200


async def test_a_bearer_token_needs_no_origin_and_goes_first(intake: Intake) -> None:
    page = intake.with_headers({})
    await begun(page)
    mine = await intake.as_new_device()
    bearer = {"Authorization": mine.headers["authorization"]}
    shown = (await page.get("/v1/me", headers=bearer)).json()["id"]
    assert shown == (await mine.get("/v1/me")).json()["id"]
    assert (await page.post("/v1/reports", json=REPORT, headers=bearer)).status_code == 202
    wrong = {"Authorization": "Bearer nonsense"}
    assert (await page.get("/v1/me", headers=wrong)).status_code == 401


async def test_outside_local_mode_they_are_secure(env: Environment) -> None:
    async with opened({**env, "YIZHAN_MODE": "production"}) as found:
        answer = await begun(found.with_headers({}))
        assert all("Secure" in each for each in answer.headers.get_list("set-cookie"))
