"""Voice notes written down by a speech server: late words, and a report that waits for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from contracts.reports import PlaceAsked, ReportEnriched, ReportNormalised
from services.intake.handlers import TRANSCRIBE
from tests.integration.intake_set import Intake, installation, one, opened
from tests.integration.issuer import Issuer, issuer
from tests.integration.service_set import Environment

HERE = {"lat": "34.23", "lon": "108.95"}
VOICE = b"#!AMR\n" + bytes(range(200))
KEY = "canary-speech-key"
WORDS = "小区门口的井盖没了"


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("speech") / "data") as found:
        yield found


@pytest.fixture
async def server() -> AsyncIterator[Issuer]:
    async with issuer("/v1") as found:
        found.says = {"text": WORDS}
        yield found


@pytest.fixture
async def intake(env: Environment, server: Issuer) -> AsyncIterator[Intake]:
    own = {"speech_key": KEY, "speech_timeout_s": "5"}
    async with opened({**env, "YIZHAN_SPEECH_URL": server.url}, **own) as found:
        yield found
        await found.sql("delete from jobs where kind = $1", TRANSCRIBE)


@pytest.fixture
async def device(intake: Intake) -> httpx.AsyncClient:
    return await intake.as_new_device()


async def spoken(device: httpx.AsyncClient, number: int, **fields: str) -> str:
    """A report with a voice note of its own bytes."""
    clip = VOICE + number.to_bytes(2, "big")
    answer = await device.post("/v1/reports", files={"voice": clip}, data=fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def said(intake: Intake, report_id: str) -> list[Any]:
    return [event.body for event in await intake.events(report_id)]


async def job_of(intake: Intake, report_id: str) -> Any:
    rows = await intake.sql(
        "select attempts, given_up, reason from jobs where kind = $1 and ref = $2",
        TRANSCRIBE,
        report_id,
    )
    return rows[0] if rows else None


async def try_again(intake: Intake) -> None:
    await intake.sql("update jobs set due_at = clock_timestamp() where kind = $1", TRANSCRIBE)
    await intake.run_jobs()


async def test_late_words_enrich_the_report(
    intake: Intake, device: httpx.AsyncClient, server: Issuer
) -> None:
    report_id = await spoken(device, 1, **HERE)
    await intake.work()
    (first,) = await said(intake, report_id)
    assert isinstance(first, ReportNormalised)
    assert (first.text, first.category, first.dangerous) == (None, None, False)
    await intake.run_jobs()
    late = (await said(intake, report_id))[1]
    assert isinstance(late, ReportEnriched)
    assert (late.text, late.dangerous) == (WORDS, True)
    assert late.category and late.category_source == "alias" and late.candidates
    assert await job_of(intake, report_id) is None
    assert server.heads[0].startswith("POST /v1/audio/transcriptions ")
    assert f"Bearer {KEY}" in server.heads[0]
    sent = server.bodies[0]
    assert b'filename="voice.amr"' in sent and VOICE in sent
    assert b"whisper-1" in sent and b"\r\n\r\nzh\r\n" in sent


async def test_written_and_spoken_words_stand_together(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    report_id = await spoken(device, 2, text="快来看看", **HERE)
    await intake.work()
    await intake.run_jobs()
    assert (await said(intake, report_id))[1].text == f"快来看看\n{WORDS}"


async def test_words_that_come_before_the_place_come_with_it(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    report_id = await spoken(device, 3)
    await intake.work()
    await intake.run_jobs()
    assert [type(each) for each in await said(intake, report_id)] == [PlaceAsked]
    place = {"lat": 34.23, "lon": 108.95}
    answer = await device.post(f"/v1/reports/{report_id}/place", json=place)
    assert answer.status_code == 202, answer.text
    settled = (await said(intake, report_id))[1]
    assert isinstance(settled, ReportNormalised)
    assert (settled.text, settled.dangerous) == (WORDS, True)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("500 Oops", {}),
        ("503 Busy", {}),
        ("429 Slowly", {}),
        ("401 No", {}),
        ("302 Found", {}),
        ("200 OK", b"<html>"),
        ("200 OK", {"error": "?"}),
        ("200 OK", {"text": 7}),
        ("200 OK", b"[" * 50_000),
    ],
)
async def test_a_server_in_trouble_is_asked_again(
    intake: Intake, device: httpx.AsyncClient, server: Issuer, status: str, says: Any
) -> None:
    report_id = await spoken(device, 100 + len(status) * 40 + len(str(says)) % 37, **HERE)
    server.status, server.says = status, says
    await intake.work()
    await intake.run_jobs()
    job = await job_of(intake, report_id)
    assert job["attempts"] == 1 and not job["given_up"] and job["reason"]
    assert KEY not in job["reason"] and "127.0.0.1" not in job["reason"]
    server.status, server.says = "200 OK", {"text": WORDS}
    await try_again(intake)
    assert [type(each) for each in await said(intake, report_id)] == [
        ReportNormalised,
        ReportEnriched,
    ]


@pytest.mark.parametrize(
    ("status", "says"),
    [("400 Bad", {}), ("415 What", {}), ("200 OK", b'{"text":"' + b"x" * 100_000 + b'"}')],
)
async def test_what_never_will_is_given_up_and_the_report_stands(
    intake: Intake, device: httpx.AsyncClient, server: Issuer, status: str, says: Any
) -> None:
    report_id = await spoken(device, 70 + int(status[:3]), **HERE)
    server.status, server.says = status, says
    await intake.work()
    await intake.run_jobs()
    assert (await job_of(intake, report_id))["given_up"]
    assert [type(each) for each in await said(intake, report_id)] == [ReportNormalised]


async def test_a_silent_server_holds_nobody(
    intake: Intake, device: httpx.AsyncClient, server: Issuer
) -> None:
    server.silent = True
    slow = await spoken(device, 700, **HERE)
    await intake.work()
    (runner,) = [each for each in intake.jobs.runners() if TRANSCRIBE in each.kinds]
    waiting = asyncio.create_task(one(runner, intake.context))
    while not server.bodies:
        await asyncio.sleep(0.01)
    other = await spoken(device, 701, text="垃圾桶满了", **HERE)
    await intake.work()
    assert [type(each) for each in await said(intake, other)] == [ReportNormalised]
    assert not waiting.done(), "the other report was there before the silence ended"
    await waiting
    assert (await job_of(intake, slow))["reason"] == "the speech server: TimeoutError"


async def test_nothing_said_says_nothing(
    intake: Intake, device: httpx.AsyncClient, server: Issuer
) -> None:
    server.says = {"text": "  \n"}
    report_id = await spoken(device, 702, **HERE)
    await intake.work()
    await intake.run_jobs()
    assert [type(each) for each in await said(intake, report_id)] == [ReportNormalised]


async def test_without_a_server_there_is_no_job(env: Environment) -> None:
    async with opened(env) as intake:
        report_id = await spoken(await intake.as_new_device(), 703, **HERE)
        await intake.work()
        assert await job_of(intake, report_id) is None
