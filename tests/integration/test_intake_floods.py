"""Token buckets on a real PostgreSQL: exact at N and N + 1, shared by processes, kind to others."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec.structs import replace

from contracts.city import Flood, FloodBy, FloodOf
from services.intake.adapters import flood_sql
from services.intake.domain.floods import Bucket
from tests.integration.intake_set import Intake, installation, opened
from tests.integration.service_set import Environment

HOUR_S = 3600.0
REPORT = {"text": "垃圾桶满了"}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("floods") / "data") as found:
        yield {**found, "YIZHAN_FLOODS": "on"}


@pytest.fixture
async def intake(env: Environment) -> AsyncIterator[Intake]:
    async with opened(env) as found:
        await found.sql("truncate buckets")
        yield found


def allow(intake: Intake, of: FloodOf, by: FloodBy, burst: int, every_s: float = HOUR_S) -> None:
    """Other numbers than the city's for this one."""
    live = intake.context.live
    city = live.now.city
    there = city.floods.buckets
    flood = Flood(burst=burst, every_s=every_s)
    floods = replace(city.floods, buckets=there | {of: there[of] | {by: flood}})
    live.now = dataclasses.replace(live.now, city=replace(city, floods=floods))


async def statuses(client: httpx.AsyncClient, times: int) -> Counter[int]:
    sent = [client.post("/v1/reports", json=REPORT) for _ in range(times)]
    return Counter(each.status_code for each in await asyncio.gather(*sent))


async def test_exact_at_n_and_n_plus_1(intake: Intake) -> None:
    allow(intake, "report", "reporter", 7)
    mine = await intake.as_new_device()
    assert await statuses(mine, 7) == {202: 7}
    refused = await mine.post("/v1/reports", json=REPORT)
    assert refused.status_code == 429
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert refused.json()["type"] == "/problems/too-many-requests"
    assert "不会丢失" in refused.json()["detail"]
    assert await statuses(await intake.as_new_device(), 1) == {202: 1}, "others are not held back"


async def test_fifty_at_once_through_two_processes_parts(env: Environment, intake: Intake) -> None:
    """Two applications with pools of their own, as two processes have."""
    async with opened(env) as second:
        for each in (intake, second):
            allow(each, "report", "reporter", 20)
        mine = await intake.as_new_device()
        also = second.with_headers(mine.headers)  # the same person, the other process
        both = await asyncio.gather(statuses(mine, 25), statuses(also, 25))
        assert both[0] + both[1] == {202: 20, 429: 30}


async def test_a_bucket_fills_again(intake: Intake) -> None:
    allow(intake, "report", "reporter", 1, every_s=0.4)
    mine = await intake.as_new_device()
    assert await statuses(mine, 1) == {202: 1}
    refused = await mine.post("/v1/reports", json=REPORT)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    async with asyncio.timeout(5):
        while (await mine.post("/v1/reports", json=REPORT)).status_code != 202:
            await asyncio.sleep(0.05)


async def test_a_batch_counts_its_items_and_takes_all_or_nothing(intake: Intake) -> None:
    allow(intake, "report", "reporter", 5)
    mine = await intake.as_new_device()

    async def batch(items: int) -> int:
        answer = await mine.post("/v1/reports/batch", json={"reports": [REPORT] * items})
        return answer.status_code

    assert [await batch(3), await batch(3), await batch(2), await batch(1)] == [200, 429, 200, 429]


async def test_one_address_many_riders(intake: Intake) -> None:
    """A block has a bucket of its own, and an empty one of a neighbour's does not empty it."""
    allow(intake, "report", "reporter", 2)
    allow(intake, "report", "address", 3)
    riders = [await intake.as_new_device() for _ in range(3)]

    async def sent_from(address: str, rider: httpx.AsyncClient) -> int:
        there = httpx.ASGITransport(intake.app, client=(address, 1))
        async with httpx.AsyncClient(transport=there, base_url="http://intake") as client:
            answer = await client.post("/v1/reports", json=REPORT, headers=rider.headers)
            return answer.status_code

    assert [await sent_from("198.51.100.1", riders[0]) for _ in range(3)] == [202, 202, 429]
    assert await sent_from("198.51.100.2", riders[1]) == 202
    assert await sent_from("198.51.100.3", riders[2]) == 429, "the block is empty"
    assert await sent_from("198.51.101.3", riders[2]) == 202, "another block is not"


async def test_everybody_together(intake: Intake) -> None:
    allow(intake, "report", "everybody", 3)
    clients = [await intake.as_new_device() for _ in range(4)]
    found = [await statuses(each, 1) for each in clients]
    assert found == [{202: 1}] * 3 + [{429: 1}]


async def test_sessions_of_one_device_id(intake: Intake) -> None:
    allow(intake, "session", "device", 2)
    device, other = str(uuid4()), str(uuid4())

    async def begin(device_id: str) -> int:
        answer = await intake.client.post("/v1/sessions", json={"device_id": device_id})
        return answer.status_code

    assert [await begin(device) for _ in range(3)] == [201, 201, 429]
    assert await begin(other) == 201


async def test_media_and_the_open311_door(intake: Intake) -> None:
    allow(intake, "medium", "reporter", 1)
    mine = await intake.as_new_device()
    answers = [await mine.post("/v1/media", content=b"no photo") for _ in range(2)]
    assert [each.status_code for each in answers] == [415, 429]
    allow(intake, "report", "client", 1)
    door = intake.as_service()
    reporter: Any = (await mine.get("/v1/me")).json()["id"]

    async def posted() -> int:
        body = {
            "reporter_id": reporter,
            "report": REPORT,
            "open311": {"client": str(uuid4())},
            "idempotency_key": str(uuid4()),
        }
        answer = await door.post("/internal/v1/clients/reports", json=body)
        return answer.status_code

    assert [await posted(), await posted()] == [202, 429]


async def test_nothing_is_counted_in_local_mode_unless_asked(env: Environment) -> None:
    quiet = {name: value for name, value in env.items() if name != "YIZHAN_FLOODS"}
    async with opened(quiet) as found:
        await found.sql("truncate buckets")
        allow(found, "report", "reporter", 1)
        assert await statuses(await found.as_new_device(), 3) == {202: 3}
        assert await found.sql("select * from buckets") == []


async def test_full_buckets_are_forgotten_and_empty_ones_kept(intake: Intake) -> None:
    full = [Bucket(uuid4().bytes, "reporter", 1, 0.001), Bucket(uuid4().bytes, "device", 1, 0.001)]
    empty = Bucket(uuid4().bytes, "reporter", 1, HOUR_S)
    assert await flood_sql.draw(intake.context.db, [*full, empty], 1) is None
    aged = "update buckets set full_at = full_at - interval '2 minutes' where name <> $1"
    await intake.sql(aged, empty.name)
    assert await flood_sql.forget_full(intake.context.db) == 2
    assert [row["name"] for row in await intake.sql("select name from buckets")] == [empty.name]


async def test_takers_in_any_order_and_the_sweeper_do_not_lock_one_another(intake: Intake) -> None:
    names = [uuid4().bytes for _ in range(6)]
    buckets = [Bucket(name, "reporter", 50, 0.0005) for name in names]
    db = intake.context.db

    async def taker(turn: int) -> None:
        for _ in range(30):
            await flood_sql.draw(db, buckets[turn:] + buckets[:turn], 1)
            await flood_sql.forget_full(db)

    async with asyncio.timeout(20):
        await asyncio.gather(*(taker(turn) for turn in range(6)))
