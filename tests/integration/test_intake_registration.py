"""报到备案: an observer registers with one community or street, and a handler there decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from contracts.facts import Event
from tests.integration.intake_set import Intake, installation, opened
from tests.integration.service_set import Environment, events_of

COMMUNITY = "610102001003"
NEIGHBOUR = "610102001001"
STREET = "610102001"
ELSEWHERE = "610103001005"


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("intake")
    with installation(path / "data") as found:
        yield found


@pytest.fixture
async def intake(env: Environment) -> AsyncIterator[Intake]:
    async with opened(env) as found:
        await found.sql("truncate registrations, outbox, idempotency_keys")
        yield found


async def told(intake: Intake) -> list[Event]:
    rows = await intake.sql("select * from outbox where topic = 'observers' order by id")
    return events_of(rows)


async def register(client: httpx.AsyncClient, community: str, **more: str) -> httpx.Response:
    body = {"community": community}
    return await client.post("/v1/me/registration", json=body, headers=more)


def path(place: str, registration: str, decision: str) -> str:
    return f"/v1/communities/{place}/registrations/{registration}/{decision}"


async def test_asked_shown_and_confirmed(intake: Intake) -> None:
    observer = await intake.as_new_device()
    assert (await observer.get("/v1/me/registration")).status_code == 404
    made = await register(observer, COMMUNITY)
    assert (made.status_code, made.json()["state"]) == (201, "pending")
    assert made.json()["name"]
    handler = intake.as_staff("handler", COMMUNITY)
    listed = (await handler.get(f"/v1/communities/{COMMUNITY}/registrations")).json()
    assert [each["code"] for each in listed["registrations"]] == [made.json()["code"]]
    for _ in range(2):  # the same decision again changes nothing
        answer = await handler.post(path(COMMUNITY, made.json()["id"], "confirm"))
        assert (answer.status_code, answer.json()["state"]) == (200, "confirmed")
    assert (await observer.get("/v1/me/registration")).json()["state"] == "confirmed"
    events = await told(intake)
    reporter = (await observer.get("/v1/me")).json()["id"]
    assert [(e.type, e.subject, e.seq) for e in events] == [
        ("ObserverRegistered", reporter, 1),
        ("ObserverConfirmed", reporter, 2),
    ]
    assert events[1].body.by.role == "handler"  # type: ignore[attr-defined]


async def test_one_place_at_a_time(intake: Intake) -> None:
    observer = await intake.as_new_device()
    first = await register(observer, COMMUNITY)
    again = await register(observer, COMMUNITY)
    assert (again.status_code, again.json()) == (200, first.json())
    for place in (ELSEWHERE, STREET):
        other = await register(observer, place)
        assert (other.status_code, other.json()["type"]) == (409, "/problems/registered-elsewhere")
        assert other.json()["community"] == COMMUNITY
    handler = intake.as_staff("handler", COMMUNITY)
    await handler.post(path(COMMUNITY, first.json()["id"], "confirm"))
    assert (await register(observer, ELSEWHERE)).status_code == 409
    assert [event.type for event in await told(intake)] == [
        "ObserverRegistered",
        "ObserverConfirmed",
    ]


async def test_two_places_at_the_same_moment(intake: Intake) -> None:
    observer = await intake.as_new_device()
    places = [COMMUNITY, ELSEWHERE] * 4
    answers = await asyncio.gather(*(register(observer, place) for place in places))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 3 + [201] + [409] * 4
    assert [event.seq for event in await told(intake)] == [1]


async def test_refused_and_asked_elsewhere(intake: Intake) -> None:
    observer = await intake.as_new_device()
    made = (await register(observer, COMMUNITY)).json()
    handler = intake.as_staff("handler", COMMUNITY)
    where = path(COMMUNITY, made["id"], "refuse")
    answer = await handler.post(where, json={"reason": "other-area"})
    assert (answer.json()["state"], answer.json()["reason"]) == ("refused", "other-area")
    late = await handler.post(path(COMMUNITY, made["id"], "confirm"))
    assert (late.status_code, late.json()["state"]) == (409, "refused")
    assert (await register(observer, ELSEWHERE)).status_code == 201
    events = await told(intake)
    assert [(event.type, event.seq) for event in events] == [
        ("ObserverRegistered", 1),
        ("ObserverRefused", 2),
        ("ObserverRegistered", 3),
    ]


async def test_a_street_is_decided_by_a_handler_of_a_community_in_it(intake: Intake) -> None:
    observer = await intake.as_new_device()
    made = await register(observer, STREET + "000")
    assert (made.status_code, made.json()["community"]) == (201, STREET)
    inside, outside = intake.as_staff("handler", NEIGHBOUR), intake.as_staff("handler", ELSEWHERE)
    assert (await outside.get(f"/v1/communities/{STREET}/registrations")).status_code == 404
    # A street's registration does not stand in a community's list.
    own = await inside.get(f"/v1/communities/{NEIGHBOUR}/registrations")
    assert own.json()["registrations"] == []
    assert (await inside.post(path(NEIGHBOUR, made.json()["id"], "confirm"))).status_code == 404
    answer = await inside.post(path(STREET, made.json()["id"], "confirm"))
    assert (answer.status_code, answer.json()["state"]) == (200, "confirmed")


async def test_anothers_community_does_not_exist(intake: Intake) -> None:
    observer = await intake.as_new_device()
    made = (await register(observer, COMMUNITY)).json()
    other = intake.as_staff("handler", NEIGHBOUR)
    list_path = f"/v1/communities/{COMMUNITY}/registrations"
    assert (await other.get(list_path)).status_code == 404
    for place in (COMMUNITY, NEIGHBOUR):
        assert (await other.post(path(place, made["id"], "confirm"))).status_code == 404
        refused = await other.post(path(place, made["id"], "refuse"), json={"reason": "other"})
        assert refused.status_code == 404
    handler = intake.as_staff("handler", COMMUNITY)
    assert (await handler.post(path(COMMUNITY, str(uuid4()), "confirm"))).status_code == 404
    for role in ("operator", "department"):
        assert (await intake.as_staff(role).get(list_path)).status_code == 403
    assert (await observer.get(list_path)).status_code == 403
    assert (await handler.get("/v1/me/registration")).status_code == 403


@pytest.mark.parametrize(
    "community", ["", "1", "999999999999", "610102000000", "西安", "6101020010"]
)
async def test_no_such_place(intake: Intake, community: str) -> None:
    answer = await register(await intake.as_new_device(), community)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "community"


async def test_bad_bodies_and_cursors(intake: Intake) -> None:
    handler = intake.as_staff("handler", COMMUNITY)
    list_path = f"/v1/communities/{COMMUNITY}/registrations"
    for cursor in ("!", "abc", "WzFd", "x" * 401):
        answer = await handler.get(list_path, params={"cursor": cursor})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")
    where = path(COMMUNITY, str(uuid4()), "refuse")
    for body in ({}, {"reason": "because I know him"}, {"reason": "other", "name": "x"}):
        assert (await handler.post(where, json=body)).status_code == 422


async def test_a_key_gives_the_first_answer_again(intake: Intake) -> None:
    observer = await intake.as_new_device()
    key = {"Idempotency-Key": "k"}
    first = await register(observer, COMMUNITY, **key)
    again = await register(observer, COMMUNITY, **key)
    assert (again.status_code, again.content) == (201, first.content)
    reused = await register(observer, ELSEWHERE, **key)
    assert reused.json()["type"] == "/problems/idempotency-key-reused"


async def test_pages(intake: Intake) -> None:
    made = [await register(await intake.as_new_device(), COMMUNITY) for _ in range(5)]
    handler, seen, cursor = intake.as_staff("handler", COMMUNITY), [], ""
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        where = f"/v1/communities/{COMMUNITY}/registrations"
        page = (await handler.get(where, params=query)).json()
        seen += [each["id"] for each in page["registrations"]]
        cursor = page["cursor"] or ""
        if not cursor:
            break
    assert seen == [answer.json()["id"] for answer in made]
