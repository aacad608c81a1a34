"""What handlers, reporters and operators see and do over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contracts.places import distance_m, from_wgs84
from contracts.reports import Candidate
from contracts.submissions import Media
from services.dispatch.adapters.media_client import IntakeMedia
from services.dispatch.timers import verify_due
from tests.integration.case_actions import JsonObject, done, post, resolved
from tests.integration.dispatch_set import (
    Dispatch,
    installation,
    message,
    opened,
    report,
)
from tests.integration.service_set import Environment


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("dispatch")
    with installation(path / "data") as told:
        yield told


@pytest.fixture
async def dispatch(env: Environment) -> AsyncIterator[Dispatch]:
    async with opened(env) as found:
        await found.sql("truncate cases, case_reports, case_events, inbox, outbox")
        yield found


async def test_a_whole_life(dispatch: Dispatch) -> None:
    body, case = await dispatch.opened()
    case = await resolved(dispatch, case)
    assert (case["state"], len(case["proof"])) == ("resolved", 1)
    reporter = dispatch.client("reporter", body.reporter_id)
    mine = (await reporter.get(f"/v1/cases/{case['id']}")).json()
    assert set(mine["allowed"]) == {"confirm", "dispute", "comment"}
    case = await done(reporter, case, "confirm")
    assert (case["state"], case["seq"]) == ("closed", 8)
    told = [(event.type, event.seq) for event in await dispatch.events()][-3:]
    assert told == [("CaseConfirmed", 6), ("CaseVerified", 7), ("CaseClosed", 8)]
    lines = (await reporter.get(f"/v1/cases/{case['id']}/events")).json()["events"]
    assert [line["seq"] for line in lines] == list(range(1, 9))
    case = await done(reporter, case, "reopen")
    assert (case["state"], case["round"]) == ("assigned", 2)


async def test_dispute_once(dispatch: Dispatch) -> None:
    body, case = await dispatch.opened()
    case = await resolved(dispatch, case)
    reporter = dispatch.client("reporter", body.reporter_id)
    case = await done(reporter, case, "dispute", note="还在漏")
    assert case["state"] == "disputed"
    handler_id = str(uuid4())
    handler = dispatch.handler(case["community"], handler_id)
    case = await done(handler, case, "start")
    case = await done(handler, case, "resolve", media=[dispatch.album.photo(handler_id)])
    answer = await post(reporter, case, "dispute")
    assert answer.status_code == 409
    assert "dispute" not in answer.json()["allowed"]


async def test_stale_revision_and_illegal_step(dispatch: Dispatch) -> None:
    _, case = await dispatch.opened()
    handler = dispatch.handler(case["community"])
    await done(handler, case, "accept")
    stale = await post(handler, case, "start")
    assert stale.status_code == 409
    assert stale.headers["content-type"].startswith("application/problem+json")
    told = stale.json()
    assert (told["state"], told["revision"]) == ("accepted", case["revision"] + 1)
    assert "start" in told["allowed"]
    illegal = await post(handler, case | {"revision": case["revision"] + 1}, "accept")
    assert (illegal.status_code, illegal.json()["type"]) == (409, "/problems/conflict")


async def test_a_repeat_gets_the_first_answer(dispatch: Dispatch) -> None:
    _, case = await dispatch.opened()
    handler = dispatch.handler(case["community"], "h1")
    answers = await asyncio.gather(*(post(handler, case, "accept", key="k1") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(await dispatch.events()) == 3
    other = await post(handler, case, "accept", key="k1", note="another")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_refuse_return_assign_withdraw(dispatch: Dispatch) -> None:
    body, case = await dispatch.opened()
    handler = dispatch.handler(case["community"])
    operator = dispatch.client("operator")
    assert (await post(handler, case, "return")).status_code == 422
    assert (await post(handler, case, "return", reason="because")).status_code == 422
    home = case["community"]
    case = await done(handler, case, "accept")
    # So near to its border, the place has a neighbour: it is asked next.
    case = await done(handler, case, "return", reason="other-area")
    assert case["state"] == "assigned" and case["community"] not in (home, None)
    next_door, neighbour = case["community"], dispatch.handler(case["community"])
    assert (await post(handler, case, "accept")).status_code == 403
    shown = (await handler.get(f"/v1/cases/{case['id']}")).json()
    assert shown["responsible"] == home, "until somebody else has accepted"
    # Given back twice, it is the operator's.
    case = await done(neighbour, case, "return", reason="other-area")
    assert (case["state"], case["community"], case["returns"]) == ("opened", None, 2)
    assert (await neighbour.get(f"/v1/cases/{case['id']}")).status_code == 404
    feeds = await dispatch.sql("select feeds from outbox order by id desc limit 2")
    assert [row["feeds"] for row in feeds] == [
        [f"community:{next_door}"],
        [f"community:{next_door}", f"community:{home}"],
    ]
    assert (await post(operator, case, "assign", community="nowhere")).status_code == 422
    case = await done(operator, case, "assign", community=home)
    case = await done(handler, case, "refuse", reason="nothing-there")
    assert case["state"] == "refused"
    case = await done(operator, case, "reopen")
    reporter = dispatch.client("reporter", body.reporter_id)
    case = await done(reporter, case, "withdraw")
    assert (case["state"], case["allowed"]) == ("withdrawn", [])


async def test_who_may_see_and_do(dispatch: Dispatch) -> None:
    body, case = await dispatch.opened()
    stranger = dispatch.client("reporter")
    other = dispatch.handler("610113001999")
    for client in (stranger, other, dispatch.client("department")):
        assert (await client.get(f"/v1/cases/{case['id']}")).status_code == 404
        assert (await client.get(f"/v1/cases/{case['id']}/events")).status_code == 404
    assert (await post(other, case, "accept")).status_code == 404
    assert (await post(stranger, case, "confirm")).status_code == 404
    assert (await post(stranger, case, "accept")).status_code == 403
    assert (await dispatch.client(None).get(f"/v1/cases/{case['id']}")).status_code == 401
    joined = report()
    await dispatch.give(message(joined))
    second = dispatch.client("reporter", joined.reporter_id)
    seen = (await second.get(f"/v1/cases/{case['id']}")).json()
    assert seen["text"] is None
    assert [each["report_id"] for each in seen["reports"]] == [joined.report_id]
    assert (await post(second, seen, "withdraw")).status_code == 403
    first = dispatch.client("reporter", body.reporter_id)
    assert (await post(first, seen, "withdraw")).status_code == 403


async def test_bad_input(dispatch: Dispatch) -> None:
    _, case = await dispatch.opened()
    handler = dispatch.handler(case["community"])
    url = f"/v1/cases/{case['id']}/accept"
    bodies: list[Any] = [{}, {"revision": "2"}, {"revision": 2, "state": "closed"}, [], None, 3]
    for body in bodies:
        assert (await handler.post(url, json=body)).status_code == 422, body
    assert (await handler.post(url, content=b"{")).status_code == 422
    assert (await handler.post("/v1/cases/nonsense/accept", json={})).status_code == 422
    unknown = await handler.post(f"/v1/cases/{uuid4()}/accept", json={"revision": 1})
    assert unknown.status_code == 404
    nul = await post(handler, case, "comment", note="a\0b")
    assert nul.status_code == 422
    queue = f"/v1/communities/{case['community']}/queue"
    for query in ("state=closed", "limit=0", "sort=x", "cursor=%F0", "cursor=W10"):
        assert (await handler.get(f"{queue}?{query}")).status_code == 422, query


async def test_the_photo_must_be_ones_own(dispatch: Dispatch) -> None:
    _, case = await dispatch.opened()
    handler = dispatch.handler(case["community"])
    case = await done(handler, case, "accept")
    assert (await post(handler, case, "resolve")).status_code == 422
    answer = await post(handler, case, "resolve", media=[dispatch.album.photo("somebody")])
    assert answer.status_code == 422
    dispatch.context.media = IntakeMedia("http://127.0.0.1:9", "")
    away = await post(handler, case, "resolve", media=["x"])
    assert (away.status_code, away.headers["retry-after"]) == (503, "3")


async def test_a_link_to_an_original(dispatch: Dispatch) -> None:
    """For the owner and operators; not for the reporter, a neighbour, or another case's photo."""
    photo = Media(id=uuid4().hex, kind="photo", content_type="image/jpeg")
    body, case = await dispatch.opened(media=(photo,))
    path = f"/v1/cases/{case['id']}/media/{photo.id}/original"
    owner = dispatch.handler(case["community"])
    for client, role in ((owner, "handler"), (dispatch.client("operator"), "operator")):
        given = await client.post(path)
        assert given.status_code == 201, given.text
        assert given.json()["url"] == f"/v1/media/{photo.id}/original?link={role}-{case['id']}"
    reporter = dispatch.client("reporter", body.reporter_id)
    assert (await reporter.post(path)).status_code == 403
    assert (await dispatch.handler("610113001999").post(path)).status_code == 404
    unknown = f"/v1/cases/{case['id']}/media/{uuid4().hex}/original"
    assert (await owner.post(unknown)).status_code == 404
    elsewhere = f"/v1/cases/{uuid4()}/media/{photo.id}/original"
    assert (await owner.post(elsewhere)).status_code == 404


async def test_the_handler_sees_what_the_words_may_mean(dispatch: Dispatch) -> None:
    likely = (Candidate("08001", 0.21), Candidate("08004", 0.19), Candidate("06028", 0.09))
    _, case = await dispatch.opened(category=None, candidates=likely)
    shown = (await dispatch.handler(case["community"]).get(f"/v1/cases/{case['id']}")).json()
    assert shown["category"] is None
    assert shown["candidates"] == [
        {"category": each.category, "confidence": each.confidence} for each in likely
    ]
    queue = await dispatch.handler(case["community"]).get(
        f"/v1/communities/{case['community']}/queue"
    )
    (row,) = [each for each in queue.json()["cases"] if each["id"] == case["id"]]
    assert row["candidates"] == shown["candidates"]


async def test_queue_in_pages(dispatch: Dispatch) -> None:
    for n in range(5):
        await dispatch.give(message(report(category="06042", lat=34.2245 + n * 0.0004)))
    await dispatch.give(message(report(category="01037", dangerous=True)))
    _, case = await dispatch.opened(category="01037", lat=34.2249)
    handler = dispatch.handler(case["community"])
    seen: list[JsonObject] = []
    cursor = ""
    while True:
        url = f"/v1/communities/{case['community']}/queue?limit=3{cursor}"
        page = (await handler.get(url)).json()
        seen += page["cases"]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    keys = [(not c["dangerous"], c["clocks"]["accept_by"], c["opened_at"]) for c in seen]
    assert keys == sorted(keys)
    mine = {c["id"] for c in seen}
    rows = await dispatch.sql("select id from cases where community = $1", case["community"])
    assert mine == {str(row["id"]) for row in rows}
    assert all("accept" in each["allowed"] for each in seen)
    assert (await handler.get("/v1/communities/610113001999/queue")).status_code == 404
    operator = dispatch.client("operator")
    aged = await operator.get(f"/v1/communities/{case['community']}/queue?sort=age&limit=2")
    assert len(aged.json()["cases"]) == 2
    assert (await operator.get("/v1/departments/lighting/queue")).json()["cases"] == []


async def test_nearby_hides_the_exact_place(dispatch: Dispatch) -> None:
    body, case = await dispatch.opened()
    url = f"/v1/cases/nearby?lat={body.place.lat}&lon={body.place.lon}"
    stranger = dispatch.client("reporter")
    seen = (await stranger.get(url)).json()["cases"][0]
    assert (seen["id"], "text" in seen) == (case["id"], False)
    assert (seen["place"]["lat"], seen["place"]["lon"]) != (body.place.lat, body.place.lon)
    away = distance_m(body.place.lat, body.place.lon, seen["place"]["lat"], seen["place"]["lon"])
    assert away < 75
    owner = dispatch.handler(case["community"])
    exact = (await owner.get(url)).json()["cases"][0]["place"]
    assert (exact["lat"], exact["lon"]) == (body.place.lat, body.place.lon)
    assert (await stranger.get(url + "&category=06042")).json()["cases"] != []
    assert (await stranger.get(url + "&category=01037")).json()["cases"] == []
    assert (await stranger.get(url + "&category=nonsense")).status_code == 422
    shifted = (await owner.get(f"/v1/cases/{case['id']}?crs=gcj02")).json()["place"]
    lat, lon = from_wgs84(body.place.lat, body.place.lon, "gcj02")
    assert (shifted["lat"], shifted["lon"]) == (round(lat, 6), round(lon, 6))


async def test_many_at_once(dispatch: Dispatch) -> None:
    _, one = await dispatch.opened()
    _, two = await dispatch.opened(category="01037")
    handler = dispatch.handler(one["community"])
    items = [
        {"id": one["id"], "revision": one["revision"]},
        {"id": two["id"], "revision": 99},
        {"id": str(uuid4()), "revision": 1},
        {"id": two["id"], "revision": two["revision"], "extra": 1},
        {"revision": 1},
    ]
    answer = await handler.post("/v1/cases/actions", json={"action": "accept", "items": items})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [each["status"] for each in results] == [200, 409, 404, 422, 422]
    assert results[0]["case"]["state"] == "accepted"
    assert results[1]["problem"]["allowed"]
    over = {"action": "accept", "items": items * 11}
    assert (await handler.post("/v1/cases/actions", json=over)).status_code == 422


async def test_verified_by_time(dispatch: Dispatch) -> None:
    _, case = await dispatch.opened()
    await resolved(dispatch, case)
    city = dispatch.context.city
    assert await verify_due(dispatch.context.db, city) == 0
    long_ago = timedelta(hours=city.verify_after_h, seconds=1)
    await dispatch.sql(
        """
        update cases set verify_due_at = clock_timestamp(), body = jsonb_set(body, '{resolved_at}',
            to_jsonb(clock_timestamp() - $1::interval))
        """,
        long_ago,
    )
    claims = await asyncio.gather(*(verify_due(dispatch.context.db, city) for _ in range(3)))
    assert sum(claims) == 1
    states = await dispatch.sql("select state, verify_due_at from cases")
    assert [tuple(row) for row in states] == [("closed", None)]
    assert [event.type for event in await dispatch.events()][-2:] == ["CaseVerified", "CaseClosed"]


async def test_the_queue_live(dispatch: Dispatch) -> None:
    _, case = await dispatch.opened()
    feed = f"community:{case['community']}"
    await done(dispatch.handler(case["community"]), case, "accept")
    await dispatch.sql("truncate feed")
    # What the relay does when it marks rows sent.
    await dispatch.sql(
        """
        insert into feed (day, position, feed, feed_no, event_id, type, value)
        select day, nextval('feed_position'), $1, row_number() over (order by id), event_id,
               headers ->> 'ce_type', value
        from outbox where $1 = any (feeds)
        """,
        feed,
    )
    brief = dispatch.client("handler", communities=frozenset({case["community"]}), lifetime_s=2)
    url = f"/v1/communities/{case['community']}/stream"
    answers = await asyncio.gather(
        brief.get(url, headers={"Last-Event-ID": "1"}),
        brief.get(url, headers={"Last-Event-ID": "77"}),
        brief.get(url + "?after=0&crs=gcj02"),
    )
    resumed, too_far, from_start = (answer.text for answer in answers)
    assert "id: 2\nevent: CaseAccepted\ndata: " in resumed
    assert "id: 1\n" not in resumed
    assert "id: 2\nevent: reset\n" in too_far
    assert from_start.index("event: CaseAssigned") < from_start.index("event: CaseAccepted")
    assert '"allowed":["start","resolve","return","refuse","comment",' in resumed
    page = await dispatch.client("operator").get(url.replace("stream", "queue"))
    assert page.json()["feed_no"] == 2
    wrong = await dispatch.client("operator").get(url, headers={"Last-Event-ID": "x"})
    assert wrong.status_code == 422
    assert (await dispatch.handler("610113001999").get(url)).status_code == 404
