"""Sessions as a client app meets them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from services.intake.adapters import session_sql
from tests.integration.intake_set import Intake, installation, opened
from tests.integration.service_set import Environment


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("sessions") / "data") as found:
        yield found


@pytest.fixture
async def intake(env: Environment) -> AsyncIterator[Intake]:
    async with opened(env) as found:
        yield found


async def begin(intake: Intake, device: str, secret: str | None = None) -> dict[str, str]:
    body = {"device_id": device} | ({"device_secret": secret} if secret else {})
    answer = await intake.client.post("/v1/sessions", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, str] = answer.json()
    return found


async def refresh(intake: Intake, token: str) -> tuple[int, dict[str, str]]:
    answer = await intake.client.post("/v1/sessions/refresh", json={"refresh_token": token})
    return answer.status_code, answer.json()


async def me(intake: Intake, token: str) -> int:
    client = intake.with_headers({"Authorization": f"Bearer {token}"})
    return (await client.get("/v1/me")).status_code


async def test_a_device_is_a_reporter_at_once_and_stays_one(intake: Intake) -> None:
    first = await begin(intake, "phone-1")
    again = await begin(intake, "phone-1", first["device_secret"])
    assert again["reporter_id"] == first["reporter_id"]
    assert "device_secret" not in again
    assert await me(intake, first["access_token"]) == await me(intake, again["access_token"]) == 200


async def test_language_and_consent(intake: Intake) -> None:
    mine = await intake.as_new_device()

    async def patched(**body: object) -> dict[str, Any]:
        answer = await mine.patch("/v1/me", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    first = await patched(consent="2026-11", language="en")
    assert (first["language"], first["consent"]) == ("en", "2026-11")
    assert (await patched(consent="2026-11")) == first, "when it was given stays"
    assert (await mine.get("/v1/me")).json() == first
    taken_back = await patched(consent=None)
    assert (taken_back["consent"], taken_back["consented_at"]) == (None, None)
    assert (await patched())["language"] == "en"
    for wrong in ({"language": "fr"}, {"role": "operator"}, {"consent": ""}, {"consent": 1}):
        assert (await mine.patch("/v1/me", json=wrong)).status_code == 422
    assert (await intake.as_staff().patch("/v1/me", json={})).status_code == 403


async def test_without_its_secret_a_device_is_somebody_new(intake: Intake) -> None:
    first, second = await begin(intake, "phone-2"), await begin(intake, "phone-2")
    assert first["reporter_id"] != second["reporter_id"]
    kept = await begin(intake, "phone-2", first["device_secret"])
    assert kept["reporter_id"] == first["reporter_id"]


@pytest.mark.parametrize("change", ["random", "row", "none", "device", "nul"])
async def test_a_wrong_secret_is_401(intake: Intake, change: str) -> None:
    secret = (await begin(intake, "phone-3"))["device_secret"]
    row, _, rest = secret.partition(".")
    wrong = {
        "random": f"{row}.{rest[:-1]}{'A' if rest[-1] != 'A' else 'B'}",
        "row": f"{'0' * 32}.{rest}",
        "none": "x",
        "device": secret,
        "nul": "\0",
    }[change]
    device = "another phone" if change == "device" else "phone-3"
    body = {"device_id": device, "device_secret": wrong}
    answer = await intake.client.post("/v1/sessions", json=body)
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/wrong-secret"


@pytest.mark.parametrize("field", ["cookie", "reporter_id", "role", "openid", "session_key"])
async def test_fields_of_later_or_of_nobody_are_422(intake: Intake, field: str) -> None:
    answer = await intake.client.post("/v1/sessions", json={"device_id": "phone", field: "x"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_a_refresh_token_is_good_once(intake: Intake) -> None:
    first = await begin(intake, "phone-4")
    status, second = await refresh(intake, first["refresh_token"])
    assert status == 200 and second["reporter_id"] == first["reporter_id"]
    status, third = await refresh(intake, second["refresh_token"])
    assert status == 200 and await me(intake, third["access_token"]) == 200


async def test_a_stolen_refresh_token_ends_the_whole_session(intake: Intake) -> None:
    first = await begin(intake, "phone-5")
    _, second = await refresh(intake, first["refresh_token"])
    status, problem = await refresh(intake, first["refresh_token"])
    assert status == 401 and problem["type"] == "/problems/session-over"
    assert (await refresh(intake, second["refresh_token"]))[0] == 401
    assert len(await revoked(intake)) >= 1


async def test_a_stolen_token_ends_all_that_came_of_it_at_once(intake: Intake) -> None:
    first = await begin(intake, "phone-8")
    chain = [first]
    for _ in range(4):
        chain.append((await refresh(intake, chain[-1]["refresh_token"]))[1])
    assert await me(intake, chain[-1]["access_token"]) == 200
    assert (await refresh(intake, chain[1]["refresh_token"]))[0] == 401
    for each in chain:
        assert (await refresh(intake, each["refresh_token"]))[0] == 401
        assert await me(intake, each["access_token"]) == 401
    other = await begin(intake, "phone-8", first["device_secret"])
    assert await me(intake, other["access_token"]) == 200


async def test_one_token_many_times_at_once_is_good_at_most_once(intake: Intake) -> None:
    first = await begin(intake, "phone-9")
    answers = await asyncio.gather(*(refresh(intake, first["refresh_token"]) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [200] + [401] * 7
    (given,) = (body for status, body in answers if status == 200)
    assert (await refresh(intake, given["refresh_token"]))[0] == 401


async def test_nonsense_is_no_refresh_token(intake: Intake) -> None:
    assert (await refresh(intake, "nonsense"))[0] == 401


async def revoked(intake: Intake) -> set[str]:
    answer = await intake.as_service().get("/internal/v1/revocations")
    assert answer.status_code == 200
    return set(answer.json()["sessions"])


async def test_logout_holds_here_at_once_and_elsewhere_by_the_list(intake: Intake) -> None:
    session = await begin(intake, "phone-6")
    client = intake.with_headers({"Authorization": f"Bearer {session['access_token']}"})
    before = await revoked(intake)
    assert (await client.delete("/v1/sessions")).status_code == 204
    assert await me(intake, session["access_token"]) == 401
    assert (await refresh(intake, session["refresh_token"]))[0] == 401
    assert len(await revoked(intake) - before) == 1


async def test_staff_end_their_sessions_too(intake: Intake) -> None:
    staff = intake.as_staff("operator")
    assert (await staff.get("/v1/me")).json()["role"] == "operator"
    assert (await staff.delete("/v1/sessions")).status_code == 204
    assert (await staff.get("/v1/me")).status_code == 401


async def test_a_revocation_lives_as_long_as_a_token(intake: Intake) -> None:
    session = await begin(intake, "phone-7")
    client = intake.with_headers({"Authorization": f"Bearer {session['access_token']}"})
    await client.delete("/v1/sessions")
    db, now = intake.context.db, intake.context.clock()
    late = now + timedelta(minutes=30, seconds=59)
    assert await session_sql.revoked(db, late, None)
    assert not await session_sql.revoked(db, now + timedelta(minutes=32), None)
    assert not await session_sql.revoked(db, now, now + timedelta(seconds=1))


async def test_no_secret_can_be_read_out_of_sql(intake: Intake) -> None:
    device = "a-device-id-to-look-for"
    session = await begin(intake, device)
    secrets = [device, session["device_secret"], session["refresh_token"]]
    for table in ("reporters", "devices", "sessions", "refresh_tokens", "revocations"):
        text = str([dict(row) for row in await intake.sql(f"select * from {table}")])
        for secret in secrets:
            assert secret not in text and secret.encode().hex() not in text
    kept = await intake.sql("select secret_hash from devices order by created_at desc limit 1")
    assert kept[0][0] == hashlib.sha256(session["device_secret"].encode()).digest()


async def test_only_services_see_the_inside(intake: Intake) -> None:
    device = await intake.as_new_device()
    for path in ("revocations", "reports?reporter=x", f"media/{'0' * 32}"):
        assert (await device.get(f"/internal/v1/{path}")).status_code == 403
        assert (await intake.client.get(f"/internal/v1/{path}")).status_code == 401


async def test_the_key_set_verifies_the_tokens(intake: Intake) -> None:
    keys = (await intake.client.get("/.well-known/jwks.json")).json()["keys"]
    assert [(key["alg"], key["crv"], "d" in key) for key in keys] == [("EdDSA", "Ed25519", False)]
