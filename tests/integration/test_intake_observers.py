"""An operator suspends a reporter and reinstates them; who is suspended reports nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.integration.intake_set import Intake, installation, opened
from tests.integration.photo_files import quarters, saved
from tests.integration.service_set import Environment, events_of

SUSPEND = {"state": "suspended", "reason": "staged-photos"}
REINSTATE = {"state": "active", "reason": "appeal-granted"}
TEXT = {"text": "垃圾桶满了"}
PHOTO = saved(quarters(), "JPEG")


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("observers") / "data") as found:
        yield found


@pytest.fixture
async def intake(env: Environment) -> AsyncIterator[Intake]:
    async with opened(env) as found:
        await found.sql("truncate reports, outbox, idempotency_keys cascade")
        yield found


async def id_of(client: httpx.AsyncClient) -> str:
    return str((await client.get("/v1/me")).json()["id"])


async def test_suspended_refused_reinstated_accepted(intake: Intake) -> None:
    observer, operator = await intake.as_new_device(), intake.as_staff("operator")
    path = f"/v1/observers/{await id_of(observer)}"
    assert (await operator.get(path)).json()["state"] == "active"
    key = {"Idempotency-Key": "before"}
    before = await observer.post("/v1/reports", json=TEXT, headers=key)
    for _ in range(2):  # the same state again changes nothing and says nothing
        answer = await operator.put(path, json=SUSPEND)
        assert (answer.status_code, answer.json()["reason"]) == (200, "staged-photos")
    refused = [
        await observer.post("/v1/reports", json=TEXT),
        await observer.post("/v1/reports", json=TEXT, headers={"Idempotency-Key": "k"}),
        await observer.post("/v1/reports", files={"photo": ("a.jpg", PHOTO, "image/jpeg")}),
        await observer.post("/v1/media", content=PHOTO),
    ]
    assert {(each.status_code, each.json()["type"]) for each in refused} == {
        (403, "/problems/reporter-suspended")
    }
    batch = await observer.post("/v1/reports/batch", json={"reports": [TEXT]})
    assert batch.json()["results"][0]["status"] == 403
    again = await observer.post("/v1/reports", json=TEXT, headers=key)
    assert again.content == before.content  # accepted before: its answer is kept
    assert (await observer.get("/v1/me")).status_code == 200
    assert len(await intake.sql("select from reports")) == 1
    assert not await intake.sql("select from media")
    assert (await operator.put(path, json=REINSTATE)).json()["state"] == "active"
    taken = await observer.post("/v1/reports", json=TEXT, headers={"Idempotency-Key": "k"})
    assert taken.status_code == 202
    rows = await intake.sql("select * from outbox where topic = 'observers' order by id")
    told = [(e.type, e.seq, e.body.reason, e.body.by.role) for e in events_of(rows)]  # type: ignore[attr-defined]
    assert told == [
        ("ObserverSuspended", 1, "staged-photos", "operator"),
        ("ObserverReinstated", 2, "appeal-granted", "operator"),
    ]


async def test_one_key_decides_once(intake: Intake) -> None:
    path = f"/v1/observers/{await id_of(await intake.as_new_device())}"
    operator, key = intake.as_staff("operator"), {"Idempotency-Key": "one"}
    first = await operator.put(path, json=SUSPEND, headers=key)
    await operator.put(path, json=REINSTATE)
    assert (await operator.put(path, json=SUSPEND, headers=key)).content == first.content
    assert (await operator.get(path)).json()["state"] == "active"
    assert (await operator.put(path, json=REINSTATE, headers=key)).status_code == 422


async def test_only_operators_decide_and_only_of_who_is_there(intake: Intake) -> None:
    observer, operator = await intake.as_new_device(), intake.as_staff("operator")
    path = f"/v1/observers/{await id_of(observer)}"
    for client in (observer, intake.as_staff("handler"), intake.as_service()):
        assert (await client.get(path)).status_code == 403
        assert (await client.put(path, json=SUSPEND)).status_code == 403
    assert (await operator.get("/v1/observers/nobody")).status_code == 404
    assert (await operator.put("/v1/observers/nobody", json=SUSPEND)).status_code == 404
    for body in ({"state": "suspended"}, {**SUSPEND, "reason": "王先生"}, {**SUSPEND, "x": 1}):
        assert (await operator.put(path, json=body)).status_code == 422
