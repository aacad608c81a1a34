"""WeChat's mini-program login, against a fake of its endpoint; and what must stay secret."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from runtime.logging import configure
from tests.integration.intake_set import Intake, installation, opened
from tests.integration.issuer import Issuer, issuer
from tests.integration.service_set import Environment

APPID, SECRET = "wx0123456789abcdef", "canary-app-secret"
SESSION_KEY, OPENID, CODE = "canary-session-key", "canary-openid", "canary-code"


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("wechat") / "data") as found:
        yield found


@pytest.fixture
async def wechat() -> AsyncIterator[Issuer]:
    async with issuer("/sns/jscode2session") as found:
        found.says = {"openid": OPENID, "session_key": SESSION_KEY, "unionid": "canary-unionid"}
        yield found


@pytest.fixture
async def intake(env: Environment, wechat: Issuer) -> AsyncIterator[Intake]:
    more = {"wechat_appid": APPID, "wechat_secret": SECRET, "wechat_url": wechat.url}
    async with opened(env, **more) as found:
        yield found


async def sign_in(intake: Intake, code: str = CODE, **more: str) -> httpx.Response:
    return await intake.client.post("/v1/sessions", json={"wechat_code": code, **more})


async def test_one_openid_is_one_reporter(intake: Intake, wechat: Issuer) -> None:
    wechat.says["openid"] = str(uuid4())
    first, again = await sign_in(intake), await sign_in(intake)
    assert first.status_code == 201, first.text
    assert first.json()["reporter_id"] == again.json()["reporter_id"]
    assert set(first.json()) == {"reporter_id", "access_token", "refresh_token", "expires_in_s"}
    assert wechat.asked[0] == {
        "appid": APPID, "secret": SECRET, "js_code": CODE, "grant_type": "authorization_code"
    }  # fmt: skip
    wechat.says["openid"] = str(uuid4())
    assert (await sign_in(intake)).json()["reporter_id"] != first.json()["reporter_id"]


@pytest.mark.parametrize(
    ("says", "status"),
    [
        ({"errcode": -1, "errmsg": "system error"}, 503),
        ({"errcode": 40029, "errmsg": "invalid code"}, 401),
        ({"errcode": 40163, "errmsg": "code been used"}, 401),
        ({"errcode": 40226, "errmsg": "code blocked"}, 401),
        ({"errcode": 45011, "errmsg": "api minute-quota reach limit"}, 429),
        ({"errcode": 40125, "errmsg": "invalid appsecret " + SECRET}, 503),
        ({"errcode": 99999}, 503),
        ({"errcode": 0}, 503),
        ({"openid": "", "session_key": SESSION_KEY}, 503),
        ({"openid": 7}, 503),
        ({"openid": "o" * 129}, 503),
        ({"openid": ["o"]}, 503),
        ({"errcode": "40029"}, 503),
        ([], 503),
        (b"", 503),
        (b"<html>" + OPENID.encode() + b"</html>", 503),
        (b'{"openid": NaN}', 503),
        (b'{"openid":"\xff"}', 503),
        (b"[" * 60_000, 503),
        (b'{"openid":"' + b"x" * 10_000_000 + b'"}', 503),
    ],
)
async def test_every_other_answer(intake: Intake, wechat: Issuer, says: Any, status: int) -> None:
    wechat.says = says
    started = time.monotonic()
    answer = await sign_in(intake)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("status", ["302 Found", "500 Oops", "404 No", "204 Nothing"])
async def test_other_statuses_and_no_redirects(intake: Intake, wechat: Issuer, status: str) -> None:
    wechat.status, wechat.headers = status, f"Location: {wechat.url}\r\n"
    assert (await sign_in(intake)).status_code == 503
    assert len(wechat.asked) == 1


async def test_silence_is_waited_for_three_seconds(intake: Intake, wechat: Issuer) -> None:
    wechat.silent = True
    started = time.monotonic()
    assert (await sign_in(intake)).status_code == 503
    assert 2.5 < time.monotonic() - started < 5


async def test_nobody_there_is_503_and_no_secret_is_anywhere(
    intake: Intake, wechat: Issuer, capfd: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure("intake")
    try:
        answers = [await sign_in(intake)]
        for says in ({"errcode": 40125, "errmsg": SECRET}, b"junk " + OPENID.encode()):
            wechat.says = says
            answers.append(await sign_in(intake))
        wechat.status = "500 Oops"
        answers.append(await sign_in(intake))
        object.__setattr__(intake.context.wechat, "url", "http://127.0.0.1:9/sns")
        answers.append(await sign_in(intake))
    finally:
        root.handlers[:], root.level = before
    assert [each.status_code for each in answers] == [201, 503, 503, 503, 503]
    said = capfd.readouterr()
    assert "40125" in said.err  # the operator hears that the secret is wrong, by its number
    kept = ""
    for table in ("reporters", "identities", "sessions", "devices", "outbox"):
        kept += str([dict(row) for row in await intake.sql(f"select * from {table}")])
    for canary in (SECRET, SESSION_KEY, OPENID, CODE, "canary-unionid"):
        everything = said.out + said.err + kept + "".join(each.text for each in answers)
        assert canary not in everything and canary.encode().hex() not in everything
    assert SECRET not in repr(intake.context.settings) + repr(intake.context.wechat)


async def test_the_first_sign_in_keeps_what_the_device_sent(intake: Intake, wechat: Issuer) -> None:
    wechat.says["openid"] = str(uuid4())
    device = {"device_id": "phone"}
    made = (await intake.client.post("/v1/sessions", json=device)).json()
    device["device_secret"] = made["device_secret"]
    answer = await sign_in(intake, **device)
    assert answer.json()["reporter_id"] == made["reporter_id"]
    wrong = await sign_in(intake, device_id="phone", device_secret="0" * 32 + ".x")
    assert (wrong.status_code, wrong.json()["type"]) == (401, "/problems/wrong-secret")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"wechat_code": "c", "oidc_token": "t"},
        {"wechat_code": "c", "device_id": "d"},
        {"wechat_code": "c", "device_secret": "s"},
        {"wechat_code": ""},
        {"wechat_code": "c" * 201},
        {"device_secret": "s"},
        {"oidc_token": "t"},
    ],
)
async def test_bodies_that_are_neither(intake: Intake, body: dict[str, str]) -> None:
    assert (await intake.client.post("/v1/sessions", json=body)).status_code == 422


async def test_parallel_sign_ins_make_one_reporter(intake: Intake, wechat: Issuer) -> None:
    import asyncio

    wechat.says["openid"] = str(uuid4())
    answers = await asyncio.gather(*(sign_in(intake) for _ in range(8)))
    assert len({each.json()["reporter_id"] for each in answers}) == 1
