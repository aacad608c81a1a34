"""Originals: by a link that ends, to be read in a log that only operators see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.intake_set import Intake, installation, opened
from tests.integration.photo_files import exif, quarters, saved
from tests.integration.service_set import Environment

CASE = str(uuid4())
PHOTO = saved(quarters(), "JPEG", exif=exif())


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("originals") / "data") as found:
        yield found


@pytest.fixture
async def intake(env: Environment) -> AsyncIterator[Intake]:
    async with opened(env) as found:
        yield found
        await found.run_jobs()


@pytest.fixture
async def photo(intake: Intake) -> str:
    mine = await intake.as_new_device()
    return str((await mine.post("/v1/media", content=PHOTO)).json()["id"])


async def link(intake: Intake, media_id: str, **other: Any) -> httpx.Response:
    body = {"given_to": "handler-1", "role": "handler", "case_id": CASE} | other
    return await intake.as_service().post(f"/internal/v1/media/{media_id}/links", json=body)


async def openings(intake: Intake, media_id: str) -> list[dict[str, Any]]:
    answer = await intake.as_staff("operator").get(f"/v1/media/{media_id}/openings")
    found: list[dict[str, Any]] = answer.json()["openings"]
    return found


async def test_each_opening_is_logged(intake: Intake, photo: str) -> None:
    given = await link(intake, photo)
    assert given.status_code == 200, given.text
    until = datetime.fromisoformat(given.json()["expires_at"])
    assert 290 < (until - datetime.now(UTC)).total_seconds() <= 300
    assert await openings(intake, photo) == [], "a link alone opens nothing"
    again = await intake.client.get(given.json()["url"])
    original = await intake.client.get(given.json()["url"])
    for each in (again, original):
        assert (each.status_code, each.content) == (200, PHOTO)
    assert original.headers["content-type"] == "image/jpeg"
    assert original.headers["cache-control"] == "no-store"
    assert original.headers["content-disposition"].startswith("attachment")
    lines = await openings(intake, photo)
    assert [(line["given_to"], line["role"], line["case_id"]) for line in lines] == [
        ("handler-1", "handler", CASE)
    ] * 2


async def test_no_link_no_original(intake: Intake, photo: str) -> None:
    mine = await intake.as_new_device()
    other = str((await mine.post("/v1/media", content=saved(quarters(99), "PNG"))).json()["id"])
    given = (await link(intake, photo)).json()["url"]
    secret = given.partition("link=")[2]
    base = f"/v1/media/{photo}/original"
    tried = [base, f"{base}?link=short", f"{base}?link={'x' * 43}", f"{base}?link={secret}x"]
    statuses = [(await intake.client.get(each)).status_code for each in tried]
    assert statuses == [422, 422, 404, 404]
    elsewhere = f"/v1/media/{other}/original?link={secret}"
    assert (await intake.client.get(elsewhere)).status_code == 404, "for another photo"
    await intake.sql("update original_links set expires_at = clock_timestamp()")
    assert (await intake.client.get(given)).status_code == 404, "over"
    assert await openings(intake, photo) == []
    stored = await intake.sql("select * from original_links")
    assert secret.encode() not in str(stored).encode(), "only its hash is kept"


async def test_who_may_ask(intake: Intake, photo: str) -> None:
    assert (await link(intake, uuid4().hex)).status_code == 404
    assert (await link(intake, photo, role="reporter")).status_code == 422
    for client in (await intake.as_new_device(), intake.as_staff("operator")):
        body = {"given_to": "x", "role": "operator", "case_id": CASE}
        answer = await client.post(f"/internal/v1/media/{photo}/links", json=body)
        assert answer.status_code == 403
    for client in (await intake.as_new_device(), intake.as_staff("handler")):
        assert (await client.get(f"/v1/media/{photo}/openings")).status_code == 403


async def test_the_log_in_pages(intake: Intake, photo: str) -> None:
    for number in range(3):
        given = (await link(intake, photo, given_to=f"h{number}")).json()["url"]
        assert (await intake.client.get(given)).status_code == 200
    operator, url = intake.as_staff("operator"), f"/v1/media/{photo}/openings?limit=2"
    first = (await operator.get(url)).json()
    second = (await operator.get(f"{url}&cursor={first['cursor']}")).json()
    lines = first["openings"] + second["openings"]
    assert [line["given_to"] for line in lines] == ["h2", "h1", "h0"]
    assert second["cursor"] is None
    bad = await operator.get(f"{url}&cursor=nonsense")
    assert bad.status_code == 422
