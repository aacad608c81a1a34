"""A device's reports become those of the person who signs in on it, everywhere and for good."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration import whole_set
from tests.integration.issuer import Issuer, issuer
from tests.integration.photo_files import quarters, saved
from tests.integration.world import Person, World, opened
from yizhan.environment import Installation

WORDS = ("电线掉下来了", "路灯不亮三天了", "垃圾桶满了没人收", "还没到的上报")
NORTH, SOUTH, EAST = (
    {"lat": 34.2229 + north, "lon": 108.9517 + east, "crs": "gcj02"}
    for north, east in ((0.01, 0.0), (-0.01, 0.0), (0.0, 0.01))
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with whole_set.installation(tmp_path_factory.mktemp("linking")) as found:
        yield found


@pytest.fixture
async def wechat(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Issuer]:
    async with issuer("/sns/jscode2session") as found:
        for name, value in (("APPID", "wx1"), ("SECRET", "s"), ("URL", found.url)):
            monkeypatch.setenv(f"YIZHAN_INTAKE_WECHAT_{name}", value)
        yield found


@pytest.fixture
async def world(installed: Installation, tmp_path: Path, wechat: Issuer) -> AsyncIterator[World]:
    async with opened(installed, tmp_path) as found:
        yield found


async def sign_in(world: World, wechat: Issuer, who: str, phone: Person) -> httpx.AsyncClient:
    wechat.says = {"openid": who}
    body = {"wechat_code": "c", "device_id": phone.device, "device_secret": phone.secret}
    async with httpx.AsyncClient(base_url=world.url, trust_env=False) as nobody:
        answer = await nobody.post("/v1/sessions", json=body)
    assert answer.status_code == 201, answer.text
    return world.client(answer.json()["access_token"])


async def settle(world: World) -> None:
    for _ in range(2):
        await world.hands.pump()
        await world.hands.work()


async def ids(client: httpx.AsyncClient) -> set[str]:
    return {each["id"] for each in (await client.get("/v1/reports")).json()["reports"]}


async def test_two_phones_are_one_person(world: World, wechat: Issuer) -> None:
    old = await world.person(WORDS[0], NORTH, saved(quarters(), "JPEG"))
    person = await sign_in(world, wechat, "x", old)
    assert (await person.get("/v1/me")).json()["id"] == old.id  # the first phone is the person
    new = await world.person(WORDS[1], SOUTH, saved(quarters(320, 200), "JPEG"))
    flying = {"text": WORDS[3], "place": EAST, "category": "01001"}
    key = {"Idempotency-Key": "on its way"}
    late = (await new.client.post("/v1/reports", json=flying, headers=key)).json()["id"]
    person = await sign_in(world, wechat, "x", new)
    assert (await new.client.get("/v1/me")).status_code == 401
    again = await person.post("/v1/reports", json=flying, headers=key)
    assert again.json()["id"] == late  # what the phone sends again is not a second report
    await settle(world)
    mine = {old.report, new.report, late}
    assert await ids(person) == mine
    for report in sorted(mine):
        seen = (await person.get(f"/v1/reports/{report}")).json()
        case = f"/v1/cases/{seen['case']['id']}"
        assert (await person.get(case)).json()["reports"][0]["report_id"] == report
        said = await person.post(f"{case}/comment", json={"note": "还在等"})
        assert said.status_code == 200, said.text
    assert (await person.get(f"/v1/media/{new.media}")).status_code in (200, 404)
    shown = (await person.get(f"/v1/reports/{new.report}")).json()["case"]
    asked, body = f"/v1/cases/{shown['id']}", {"revision": shown["revision"]}
    handler = world.staff("handler", shown["community"]["code"])
    assert (await handler.post(f"{asked}/accept", json=body)).status_code == 200
    await settle(world)
    inbox = (await person.get("/v1/me/inbox")).json()["notices"]
    assert "CaseAccepted" in [each["type"] for each in inbox]
    found = await world.holding(new.id)
    assert {schema for schema, table in found[new.id] if table in ("cases", "case_reports")} == (
        set()
    )

    await world.hands.replay()
    await world.hands.work()
    assert await ids(person) == mine

    assert (await person.delete("/v1/me")).status_code == 204
    await settle(world)
    for each in (old, new):
        await world.holds_nothing_of(each, WORDS)


async def test_somebody_elses_phone_and_a_suspended_one_stay_apart(
    world: World, wechat: Issuer
) -> None:
    mine = await world.person(WORDS[0], NORTH, saved(quarters(), "JPEG"))
    person = await sign_in(world, wechat, "y", mine)
    friends = await world.person(WORDS[1], SOUTH, saved(quarters(320, 200), "JPEG"))
    friend = await sign_in(world, wechat, "z", friends)
    assert (await (await sign_in(world, wechat, "y", friends)).get("/v1/me")).json()["id"] == (
        mine.id
    )
    bad = await world.person(WORDS[2], EAST, saved(quarters(300, 200), "JPEG"))
    suspended = {"state": "suspended", "reason": "abuse"}
    operator = world.staff("operator")
    path = f"/v1/observers/{bad.id}"
    assert (await operator.put(path, json=suspended)).status_code == 200
    await sign_in(world, wechat, "y", bad)
    await settle(world)
    assert await ids(person) == {mine.report}
    assert await ids(friend) == {friends.report}
    assert await ids(bad.client) == {bad.report}
