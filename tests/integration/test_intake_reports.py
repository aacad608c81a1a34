"""POST /v1/reports and what follows, up to the events that dispatch gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.reports import PlaceAsked, ReportNormalised, ReportRefused
from contracts.submissions import ReportSubmitted
from tests.integration.intake_set import (
    Intake,
    installation,
    opened,
)
from tests.integration.photo_files import exif, quarters, saved
from tests.integration.service_set import Environment, events_of

HERE = {"lat": 34.23, "lon": 108.95}
PEKING = {"lat": 39.9, "lon": 116.4}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("reports") / "data") as found:
        yield found


@pytest.fixture
async def intake(env: Environment) -> AsyncIterator[Intake]:
    async with opened(env) as found:
        yield found


@pytest.fixture
async def device(intake: Intake) -> httpx.AsyncClient:
    return await intake.as_new_device()


def accepted(answer: httpx.Response) -> str:
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert len(body["code"]) == 7
    assert body["links"]["self"] == f"/v1/reports/{body['id']}"
    return str(body["id"])


async def post(client: httpx.AsyncClient, key: str | None = None, **fields: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post("/v1/reports", json=fields, headers=headers)


async def said(intake: Intake, report_id: str) -> list[Any]:
    """The bodies of what the worker said about it."""
    await intake.work()
    return [event.body for event in await intake.events(report_id)]


async def test_one_sentence_is_enough(intake: Intake, device: httpx.AsyncClient) -> None:
    report_id = accepted(await post(device, text="垃圾桶满了"))
    assert [type(body) for body in await said(intake, report_id)] == [PlaceAsked]


async def test_what_says_where_is_decided_by_the_commit_that_accepts_it(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    report_id = accepted(await post(device, text="垃圾桶满了", place=HERE))

    async def rows() -> list[tuple[Any, ...]]:
        found = await intake.sql(
            "select r.status, r.xmin::text, o.topic, o.xmin::text, o.direct from reports r"
            " join outbox o on o.headers->>'ce_subject' = r.id::text"
            " where r.id = $1 order by o.id",
            UUID(report_id),
        )
        return [tuple(row) for row in found]

    first = await rows()
    ((_, transaction, *_), *_) = first
    assert first == [
        ("normalised", transaction, topic, transaction, True)
        for topic in ("submissions", "reports")
    ]
    assert [type(body) for body in await said(intake, report_id)] == [ReportNormalised]
    assert await rows() == first, "the worker has nothing to add"


async def test_names_in_the_words_are_hints_and_no_place(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    report_id = accepted(await post(device, text="雁塔区瓦胡同社区门口垃圾桶满了"))
    (asked,) = await said(intake, report_id)
    assert asked.hints == ("雁塔区 长延堡街道 瓦胡同社区",)
    accepted(await device.post(f"/v1/reports/{report_id}/place", json=HERE))
    assert [type(body) for body in await said(intake, report_id)] == [PlaceAsked, ReportNormalised]


async def test_report_and_event_are_one_commit(intake: Intake, device: httpx.AsyncClient) -> None:
    report_id = accepted(await post(device, text="垃圾桶满了", place=HERE | {"crs": "gcj02"}))
    rows = await intake.sql("select * from outbox where topic = 'submissions' order by id")
    event = next(found for found in events_of(rows) if found.subject == report_id)
    assert isinstance(event.body, ReportSubmitted)
    assert event.body.place and event.body.place.crs == "gcj02"
    assert event.traceparent
    row = next(row for row in rows if row["event_id"] == event.event_id)
    assert row["direct"] and row["sent_at"] is None


async def test_a_placed_report_is_normalised(intake: Intake, device: httpx.AsyncClient) -> None:
    report_id = accepted(await post(device, text="井盖没了", place=HERE | {"accuracy_m": 8}))
    (body,) = await said(intake, report_id)
    assert isinstance(body, ReportNormalised)
    assert body.dangerous and body.category and body.cell
    assert (body.place.lat, body.place.accuracy_m) == (34.23, 8)


async def test_danger_is_answered_with_the_numbers_to_call(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    given = await post(device, text="路口的井没盖，孩子差点掉下去")
    danger = given.json()["danger"]
    assert [each["number"] for each in danger["call"]] == ["110", "119", "120", "12345"]
    assert danger["call"][1]["name"] == {"zh": "火警与救援", "en": "Fire and rescue"}
    assert danger["advice"]["zh"] and danger["advice"]["en"]
    english = await post(device, text="strong smell of gas in the yard")
    assert english.json()["danger"] == danger
    assert "danger" not in (await post(device, text="垃圾桶满了")).json()


async def test_a_repeat_is_warned_as_the_first_was(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "danger-told-twice"}
    body = {"text": "电线掉在地上冒火花", "place": HERE}
    first = await device.post("/v1/reports", json=body, headers=headers)
    again = await device.post("/v1/reports", json=body, headers=headers)
    assert first.json()["danger"] and again.json() == first.json()


async def test_words_that_are_in_no_list_find_a_category(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    text = "楼下那家烤肉店天天晚上烟熏火燎，窗户都没法开"
    report_id = accepted(await post(device, text=text, place=HERE))
    (body,) = await said(intake, report_id)
    assert isinstance(body, ReportNormalised)
    assert (body.category, body.category_source) == ("06027", "words")
    assert body.candidates[0].category == "06027" and len(body.candidates) == 3


async def test_the_answer_to_where_reads_the_words_too(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    report_id = accepted(await post(device, text="门口的那个坏了"))
    await intake.work()
    answer = await device.post(f"/v1/reports/{report_id}/place", json=HERE)
    assert answer.status_code == 202, answer.text
    body = (await intake.events(report_id))[-1].body
    assert isinstance(body, ReportNormalised)
    assert (body.category, body.category_source) == (None, "none")
    assert len(body.candidates) == 3


async def test_outside_the_city_is_taken_then_refused(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    report_id = accepted(await post(device, text="垃圾桶满了", place=PEKING))
    (body,) = await said(intake, report_id)
    assert isinstance(body, ReportRefused) and body.reason == "outside-city"


async def test_one_photo_is_enough_and_says_where(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    photo = saved(quarters(), "JPEG", exif=exif())
    report_id = accepted(await device.post("/v1/reports", files={"photo": photo}))
    (body,) = await said(intake, report_id)
    assert isinstance(body, ReportNormalised)
    assert body.place.source == "exif" and len(body.media) == 1 and body.observed_at


async def test_a_form_with_everything(intake: Intake, device: httpx.AsyncClient) -> None:
    files = [
        ("photo1", ("../../etc/passwd", saved(quarters(50, 50), "JPEG"))),
        ("photo2", ("b.jpg", saved(quarters(60, 50), "PNG"))),
        ("voice", ("c.amr", b"#!AMR\n" + bytes(100))),
    ]
    yesterday = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0)
    fields = {
        "text": "路灯坏了",
        "category": "01037",
        "place": '{"lat":34.23,"lon":108.95}',
        "attributes": '{"COLOUR":["red"]}',
        "observed_at": yesterday.astimezone(timezone(timedelta(hours=8))).isoformat(),
    }
    report_id = accepted(await device.post("/v1/reports", files=files, data=fields))
    (body,) = await said(intake, report_id)
    assert [each.kind for each in body.media] == ["photo", "photo", "voice"]
    assert body.category == "01037" and body.attributes == {"COLOUR": ["red"]}
    assert body.observed_at == yesterday


async def test_a_form_with_flat_coordinates(intake: Intake, device: httpx.AsyncClient) -> None:
    fields = {"text": "路灯坏了", "lat": "34.23", "lon": "108.95", "crs": "bd09"}
    report_id = accepted(await device.post("/v1/reports", data=fields, files={"photo": PHOTO}))
    (body,) = await said(intake, report_id)
    assert body.place.lat == pytest.approx(34.225, abs=0.005) and body.place.lat != 34.23


PHOTO = saved(quarters(40, 40), "JPEG")


async def test_the_same_key_and_request_give_the_first_answer(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    key = str(uuid4())
    answers = [await post(device, key, text="垃圾", place=HERE) for _ in range(3)]
    assert len({accepted(each) for each in answers}) == 1
    assert len({each.content for each in answers}) == 1


async def test_fifty_parallel_posts_of_one_key_make_one_report(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    key, before = str(uuid4()), await count(intake)
    answers = await asyncio.gather(*(post(device, key, text="垃圾") for _ in range(50)))
    assert len({accepted(each) for each in answers}) == 1
    assert await count(intake) == (before[0] + 1, before[1] + 1)


async def count(intake: Intake) -> tuple[int, int]:
    """Reports and their events."""
    (row,) = await intake.sql(
        "select (select count(*) from reports) as reports,"
        " (select count(*) from outbox where topic = 'submissions') as events"
    )
    return row["reports"], row["events"]


async def test_a_key_is_the_callers_own(intake: Intake, device: httpx.AsyncClient) -> None:
    key = str(uuid4())
    mine = accepted(await post(device, key, text="垃圾"))
    assert accepted(await post(await intake.as_new_device(), key, text="别的")) != mine


@pytest.mark.parametrize("change", ["text", "place", "category", "media"])
async def test_a_reused_key_with_another_body_is_422(
    device: httpx.AsyncClient, change: str
) -> None:
    key = str(uuid4())
    media = (await device.post("/v1/media", content=PHOTO)).json()["id"]
    accepted(await post(device, key, text="垃圾"))
    other: dict[str, Any] = {"text": "别的", "place": HERE, "category": "01037", "media": [media]}
    answer = await post(device, key, **({"text": "垃圾"} | {change: other[change]}))
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/idempotency-key-reused"


async def test_a_form_may_be_sent_again_with_another_boundary(device: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    ids = [
        accepted(
            await device.post(
                "/v1/reports", files={"photo": PHOTO}, data={"text": "路灯"}, headers=headers
            )
        )
        for _ in range(2)
    ]
    assert ids[0] == ids[1]
    other = {"photo": saved(quarters(41, 41), "JPEG")}
    answer = await device.post("/v1/reports", files=other, data={"text": "路灯"}, headers=headers)
    assert answer.status_code == 422


async def test_where(intake: Intake, device: httpx.AsyncClient) -> None:
    report_id = accepted(await post(device, text="垃圾桶满了"))
    path = f"/v1/reports/{report_id}/place"
    assert (await device.post(path, json=HERE)).status_code == 409, "nobody asked yet"
    await intake.work()
    stranger = await intake.as_new_device()
    assert (await stranger.post(path, json=HERE)).status_code == 404
    headers = {"Idempotency-Key": str(uuid4())}
    answers = await asyncio.gather(
        *(device.post(path, json=HERE, headers=headers) for _ in range(5))
    )
    assert {accepted(each) for each in answers} == {report_id}
    bodies = await said(intake, report_id)
    assert [type(body) for body in bodies] == [PlaceAsked, ReportNormalised]
    assert bodies[1].place.source == "answer"
    again = await device.post(path, json=HERE)
    assert again.status_code == 409 and again.json()["type"] == "/problems/place-not-asked"
    moved = await device.post(path, json=PEKING, headers=headers)
    assert moved.status_code == 422


async def test_where_answered_with_elsewhere(intake: Intake, device: httpx.AsyncClient) -> None:
    report_id = accepted(await post(device, text="垃圾桶满了"))
    await intake.work()
    accepted(await device.post(f"/v1/reports/{report_id}/place", json=PEKING))
    assert isinstance((await said(intake, report_id))[1], ReportRefused)


async def test_a_batch_is_answered_item_by_item(intake: Intake, device: httpx.AsyncClient) -> None:
    items: list[dict[str, Any]] = [
        {"text": "垃圾", "place": HERE, "idempotency_key": str(uuid4())},
        {"text": "垃圾", "points": 5},
        {},
        {"text": "路灯"},
        {"media": ["0" * 32]},
        {"place": {"lat": 91, "lon": 0}, "text": "x"},
    ]
    headers = {"Idempotency-Key": str(uuid4())}
    first, second = [
        await device.post("/v1/reports/batch", json={"reports": items}, headers=headers)
        for _ in range(2)
    ]
    assert first.status_code == 200
    results = first.json()["results"]
    assert [each["status"] for each in results] == [202, 422, 422, 202, 422, 422]
    assert results[1]["problem"]["errors"][0]["field"] == "points"
    assert results[5]["problem"]["errors"][0]["field"] == "place.lat"
    assert [each.get("report") for each in second.json()["results"]] == [
        each.get("report") for each in results
    ], "a batch sent again gives the same reports"


async def test_tracking_can_ask_for_what_has_not_arrived(
    intake: Intake, device: httpx.AsyncClient
) -> None:
    reporter = (await device.get("/v1/me")).json()["id"]
    first = accepted(await post(device, text="垃圾"))
    second = accepted(await post(device, text="路灯", place=HERE))
    service = intake.as_service()
    path = "/internal/v1/reports"
    found = await service.get(f"{path}/{first}", params={"reporter": reporter})
    assert found.json()["status"] == "accepted" and found.json()["text"] == "垃圾"
    strange = await service.get(f"{path}/{first}", params={"reporter": "somebody"})
    assert strange.status_code == 404
    listed = await service.get(path, params={"reporter": reporter, "after": first})
    assert [each["id"] for each in listed.json()["reports"]] == [second]
    instant = found.json()["received_at"]
    listed = await service.get(path, params={"reporter": reporter, "after": instant})
    assert [each["id"] for each in listed.json()["reports"]] == [second]


async def test_delivered_twice_decided_once(intake: Intake, device: httpx.AsyncClient) -> None:
    report_id = accepted(await post(device, text="垃圾"))
    assert len((await intake.work()).applied) >= 1
    intake._relayed.clear()
    outcome = await intake.work()
    assert not outcome.applied and outcome.duplicate
    assert len(await intake.events(report_id)) == 1
