"""Intake when its database goes away, its clients are slow, or its topic carries poison."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.types import Message as AsgiMessage

from runtime.deadletters import Message
from services.intake.api import reading
from tests.integration.intake_set import (
    Intake,
    installation_with_server,
    opened,
)
from tests.integration.service_set import Environment, message_of
from yizhan.embedded.postgres import Postgres

HERE = {"lat": 34.23, "lon": 108.95}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Environment, Postgres]]:
    with installation_with_server(tmp_path_factory.mktemp("faults") / "data") as found:
        yield found


@pytest.fixture
async def intake(both: tuple[Environment, Postgres]) -> AsyncIterator[Intake]:
    async with opened(both[0]) as found:
        yield found


@pytest.fixture
async def device(intake: Intake) -> httpx.AsyncClient:
    return await intake.as_new_device()


async def post(device: httpx.AsyncClient, text: str = "垃圾桶满了") -> httpx.Response:
    return await device.post("/v1/reports", json={"text": text, "place": HERE})


async def messages(intake: Intake, *ids: str) -> list[Message]:
    """Submissions as Kafka would bring them, in the order of the ids."""
    rows = await intake.sql("select * from outbox where topic = 'submissions'")
    by_key = {row["key"].decode(): message_of(row) for row in rows}
    return [by_key[each] for each in ids]


async def test_a_database_that_dies_is_503_and_nothing_accepted_is_lost(
    both: tuple[Environment, Postgres], intake: Intake, device: httpx.AsyncClient
) -> None:
    server = both[1]
    before = [str((await post(device)).json()["id"]) for _ in range(20)]
    await asyncio.to_thread(server.kill)
    answers = await asyncio.gather(*(post(device) for _ in range(5)))
    assert {each.status_code for each in answers} == {503}
    assert all(int(each.headers["retry-after"]) > 0 for each in answers)
    assert answers[0].json()["type"] == "/problems/unavailable"
    server.start()
    async with asyncio.timeout(20):
        while (again := await post(device)).status_code != 202:
            assert again.status_code == 503
            await asyncio.sleep(0.05)
    rows = await intake.sql("select id from reports")
    assert {str(row["id"]) for row in rows} >= {*before, again.json()["id"]}


async def test_what_sql_refuses_is_a_dead_letter_among_neighbours(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    ids = [str((await post(device)).json()["id"]) for _ in range(9)]
    batch = await messages(intake, *ids)
    stranger = "01a20d34-194d-7a58-b3ac-cc2101413900"
    body = (batch[4].value or b"").replace(ids[4].encode(), stranger.encode())
    code = body.index(b'"code":"') + len(b'"code":"')
    body = body[:code] + b"\\u0000" + body[code + 1 :]
    headers = tuple(
        (name, stranger.encode() if name in ("ce_subject", "ce_correlationid") else value)
        for name, value in batch[4].headers
        if name != "ce_id"
    )
    poison = replace(
        batch[4],
        key=stranger.encode(),
        value=body,
        headers=(*headers, ("ce_id", stranger.encode())),
        offset=10_000,
    )
    outcome = await intake.give([*batch[:4], poison, *batch[4:]])
    assert len(outcome.applied) == 9
    (letter,) = outcome.dead
    assert letter.message == poison and "SQL refuses" in letter.reason
    statuses = await intake.sql("select status from reports where id = any ($1)", ids)
    assert [row["status"] for row in statuses] == ["normalised"] * 9


async def test_an_event_whose_row_is_gone_makes_it_again(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    report_id = str((await post(device)).json()["id"])
    await intake.sql("delete from reports where id = $1", report_id)
    (message,) = await messages(intake, report_id)
    assert len((await intake.give([message])).applied) == 1
    (row,) = await intake.sql("select status, seq from reports where id = $1", report_id)
    assert (row["status"], row["seq"]) == ("normalised", 2)


async def test_a_report_id_that_is_none_is_invalid(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    report_id = str((await post(device)).json()["id"])
    (message,) = await messages(intake, report_id)
    short = report_id.replace("-", "").encode()
    headers = tuple((n, short if n == "ce_subject" else v) for n, v in message.headers)
    value = (message.value or b"").replace(report_id.encode(), short)
    outcome = await intake.give([replace(message, key=short, headers=headers, value=value)])
    assert not outcome.applied and "subject" in outcome.dead[0].reason


async def test_a_subject_that_is_not_the_reports_is_invalid(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    (message,) = await messages(intake, str((await post(device)).json()["id"]))
    headers = tuple((n, b"other" if n == "ce_subject" else v) for n, v in message.headers)
    outcome = await intake.give([replace(message, headers=headers)])
    assert not outcome.applied and len(outcome.dead) == 1


@pytest.mark.parametrize("path", ["/v1/reports", "/v1/media"])
@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=b"])
async def test_a_body_that_never_ends_is_408(
    intake: Intake,
    device: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    content_type: str,
) -> None:
    monkeypatch.setattr(reading, "IDLE_S", 0.1)
    assert await slowly(intake, device, path, content_type) == 408


async def slowly(intake: Intake, device: httpx.AsyncClient, path: str, content_type: str) -> int:
    """The status for a client that sends a beginning and then nothing."""
    headers = {
        "authorization": device.headers["authorization"],
        "content-type": content_type,
        "content-length": "100",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "app": intake.app,
    }
    pieces = [{"type": "http.request", "body": b"--b\r\n", "more_body": True}]
    sent: list[Any] = []

    async def receive() -> AsgiMessage:
        return pieces.pop() if pieces else await asyncio.Future()

    async def send(message: AsgiMessage) -> None:
        sent.append(message)

    async with asyncio.timeout(10):
        await intake.app(scope, receive, send)
    return int(sent[0]["status"])
