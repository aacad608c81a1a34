"""Reports that come at the same time are one commit, and none suffers for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from contracts.facts import new_event
from contracts.submissions import ReportSubmitted
from runtime.idempotency import Answer
from runtime.outbox import Outgoing, line
from services.intake.adapters import accept_sql
from services.intake.adapters.accept_sql import Accepting, Claim
from services.intake.domain.report import Report
from tests.integration.intake_set import Intake, installation, opened
from tests.integration.service_set import Environment

HERE = {"lat": 34.23, "lon": 108.95}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("together") / "data") as found:
        yield found


@pytest.fixture
async def intake(env: Environment) -> AsyncIterator[Intake]:
    async with opened(env) as found:
        yield found


async def post(client: httpx.AsyncClient, key: str = "", text: str = "垃圾") -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post("/v1/reports", json={"text": text, "place": HERE}, headers=headers)


async def transactions(intake: Intake, ids: list[str]) -> set[str]:
    rows = await intake.sql(
        "select xmin::text from reports where id = any ($1::uuid[])", list(map(UUID, ids))
    )
    assert len(rows) == len(ids)
    return {row["xmin"] for row in rows}


async def test_a_batch_is_one_commit(intake: Intake) -> None:
    device = await intake.as_new_device()
    items = [{"text": f"垃圾桶满了 {n}", "place": HERE} for n in range(50)]
    answer = await device.post("/v1/reports/batch", json={"reports": items})
    ids = [each["report"]["id"] for each in answer.json()["results"]]
    assert len(await transactions(intake, ids)) == 1
    rows = await intake.sql("select headers->>'ce_subject' as id from outbox order by outbox.id")
    told = [row["id"] for row in rows if row["id"] in ids]
    assert told == [each for report_id in ids for each in (report_id, report_id)]


async def test_who_may_not_report_is_refused_alone(intake: Intake) -> None:
    good, bad = await intake.as_new_device(), await intake.as_new_device()
    reporter = (await bad.get("/v1/me")).json()["id"]
    await intake.sql("update reporters set suspended_at = now() where id = $1", reporter)
    answers = await asyncio.gather(*(post(each) for each in (good, bad, good)))
    assert [each.status_code for each in answers] == [202, 403, 202]


async def test_one_key_sent_twice_at_once(intake: Intake) -> None:
    device = await intake.as_new_device()
    keys = [str(uuid4()), str(uuid4())]
    answers = await asyncio.gather(*(post(device, key) for key in (*keys, *keys)))
    ids = [each.json()["id"] for each in answers]
    assert ids[:2] == ids[2:] and len(set(ids)) == 2


async def test_one_key_for_two_requests_at_once(intake: Intake) -> None:
    device, key = await intake.as_new_device(), str(uuid4())
    answers = await asyncio.gather(*(post(device, key, text) for text in ("垃圾", "路灯")))
    assert sorted(each.status_code for each in answers) == [202, 422]


async def test_a_taken_code_is_drawn_again_by_whom_it_concerns(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await intake.as_new_device()
    taken = (await post(device)).json()["code"]
    codes = iter(["AAAAAA2", taken, "AAAAAA3", "AAAAAA4"])
    monkeypatch.setattr(intake.context, "new_code", lambda: next(codes))
    answers = await asyncio.gather(*(post(device) for _ in range(3)))
    assert sorted(each.json()["code"] for each in answers) == ["AAAAAA2", "AAAAAA3", "AAAAAA4"]


async def test_what_sql_refuses_is_refused_alone(intake: Intake) -> None:
    accepts = accept_sql.accepts(intake.context.db)
    many = [accepting() for _ in range(3)]
    many[1].lines[0].headers["ce_subject"] = "\0"
    found = await asyncio.gather(*map(accepts.ask, many), return_exceptions=True)
    assert isinstance(found[1], asyncpg.DataError)
    ids = [many[0].report.id, many[2].report.id]
    assert len(await transactions(intake, ids)) == 2, "each by itself, after the refusal of all"


def accepting() -> Accepting:
    """A report as the accept path leaves it to the commit."""
    now, report_id = datetime.now(UTC), str(uuid4())
    submitted = ReportSubmitted(
        report_id=report_id, reporter_id="somebody", code=report_id[:7], received_at=now, text="灯"
    )
    event = new_event(
        submitted,
        source="intake",
        subject=report_id,
        seq=1,
        occurred_at=now,
        correlation_id=report_id,
    )
    claim = Claim(None, None, Answer(202, b"{}"))
    return Accepting(Report(submitted=submitted), claim, [line(Outgoing(event, direct=True))])
