"""What people ask to hear of: kept a person each, found by index, told like other notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contracts.cases import (
    Case,
    CaseAccepted,
    CaseAssigned,
    CaseClosed,
    CaseFact,
    CaseOpened,
    CaseRefused,
)
from contracts.facts import Actor, Event
from contracts.observers import ObserverErased
from contracts.places import Place, from_wgs84, grid_100m
from services.notify.adapters import subscription_sql
from services.notify.domain.crowd import PAGE
from services.notify.domain.subscribing import MOST_SUBSCRIPTIONS, sight_of
from tests.integration.notify_set import Notify, installation, opened, until
from tests.integration.service_set import Environment
from tests.notify_facts import COMMUNITY, about, case, event

URL = "/v1/me/subscriptions"
SYSTEM = Actor("system", "system")
HERE = {"lat": 34.2245, "lon": 108.9470, "crs": "wgs84", "radius_m": 300}
STREET, DISTRICT = COMMUNITY[:9] + "000", COMMUNITY[:6] + "000000"
MANY = 20_000


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("notify")
    with installation(path / "data") as told:
        yield told


@pytest.fixture
async def notify(env: Environment) -> AsyncIterator[Notify]:
    async with opened(env) as found:
        yield found


async def asks(notify: Notify, who: str, **wanted: Any) -> str:
    """A subscription of that person; its id."""
    answer = await notify.reporter(who).post(URL, json=wanted)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def new(of: Case, **more: Any) -> Event:
    """The case is assigned as it opens: what a subscriber hears of as new."""
    return event(CaseAssigned(case=of, by=SYSTEM), **more)


async def titles(notify: Notify, who: str) -> list[str]:
    """The person's inbox, oldest first."""
    page = (await notify.reporter(who).get("/v1/me/inbox")).json()
    return [each["title"] for each in reversed(page["notices"])]


async def heard(notify: Notify, *events: Event) -> set[str]:
    """Who of the subscribers s-… is told when these come in one batch."""
    await notify.give(*events)
    rows = await notify.sql("select distinct recipient from notices where recipient like 's-%'")
    return {row["recipient"] for row in rows}


async def test_everybody_keeps_their_own(notify: Notify) -> None:
    mine, stranger = notify.reporter("s-1"), notify.reporter("s-2")
    made = await mine.post(URL, json={"area": HERE, "category": "06042"})
    assert made.status_code == 201
    given = made.json()
    assert given["area"] == HERE and given["category"]["code"] == "06042"
    assert (given["case"], given["division"]) == (None, None)
    again = await mine.post(URL, json={"area": HERE, "category": "06042"})
    assert (again.status_code, again.json()) == (200, given)
    path = f"{URL}/{given['id']}"
    assert (await mine.get(path)).json() == given
    assert (await mine.get(URL)).json() == {"subscriptions": [given], "most": MOST_SUBSCRIPTIONS}
    shifted = (await mine.get(path, params={"crs": "gcj02"})).json()["area"]
    lat, lon = from_wgs84(HERE["lat"], HERE["lon"], "gcj02")  # type: ignore[arg-type]
    assert (shifted["lat"], shifted["lon"]) == pytest.approx((lat, lon), abs=1e-6)
    assert (await stranger.get(URL)).json()["subscriptions"] == []
    for answer in (
        await stranger.get(path),
        await stranger.put(path, json={"division": STREET}),
        await stranger.delete(path),
        await mine.get(f"{URL}/{uuid4()}"),
    ):
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")
    put = await mine.put(path, json={"division": COMMUNITY[:9]})
    assert put.status_code == 200 and put.json()["division"]["code"] == STREET
    assert put.json()["division"]["name"] and put.json()["area"] is None
    other = await asks(notify, "s-1", category="01037")
    taken = await mine.put(f"{URL}/{other}", json={"division": STREET})
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/subscribed-already")
    assert taken.json()["id"] == given["id"]
    assert (await mine.delete(path)).status_code == 204
    assert (await mine.delete(path)).status_code == 404
    assert (await notify.client(None).get(URL)).status_code == 401


async def test_the_same_key_gives_the_first_answer(notify: Notify) -> None:
    mine, key = notify.reporter("s-1"), {"Idempotency-Key": "k-1"}
    answers = await asyncio.gather(
        *(mine.post(URL, json={"division": DISTRICT}, headers=key) for _ in range(10))
    )
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["id"] for each in answers}) == 1
    reused = await mine.post(URL, json={"division": STREET}, headers=key)
    assert reused.status_code == 422
    path = f"{URL}/{answers[0].json()['id']}"
    gone = [await mine.delete(path, headers={"Idempotency-Key": "k-2"}) for _ in range(2)]
    assert [each.status_code for each in gone] == [204, 204]
    assert [each.content for each in gone] == [b"", b""]


async def test_nobody_has_more_than_may_be(notify: Notify) -> None:
    mine = notify.reporter("s-1")
    answers = await asyncio.gather(
        *(mine.post(URL, json={"case": str(uuid4())}) for _ in range(MOST_SUBSCRIPTIONS + 5))
    )
    refused = [each for each in answers if each.status_code == 409]
    assert len(refused) == 5
    assert refused[0].json()["type"] == "/problems/too-many-subscriptions"
    assert refused[0].json()["most"] == MOST_SUBSCRIPTIONS
    assert len((await mine.get(URL)).json()["subscriptions"]) == MOST_SUBSCRIPTIONS


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({}, ""),
        ({"case": "x"}, "case"),
        ({"case": str(uuid4()), "category": "06042"}, ""),
        ({"area": HERE, "division": COMMUNITY}, ""),
        ({"area": HERE | {"radius_m": 99}}, "area.radius_m"),
        ({"area": HERE | {"radius_m": 5001}}, "area.radius_m"),
        ({"area": HERE | {"lat": 91}}, "area.lat"),
        ({"area": HERE | {"crs": "mars"}}, "area.crs"),
        ({"division": "610113999999"}, "division"),
        ({"division": "610100000000"}, "division"),
        ({"division": "6101"}, "division"),
        ({"category": "99999"}, "category"),
        ({"category": "a\0b"}, "category"),
        ({"category": "06042", "recipient": "s-9"}, "recipient"),
    ],
)
async def test_a_wish_that_is_none_is_refused(
    notify: Notify, wanted: dict[str, Any], field: str
) -> None:
    answer = await notify.reporter("s-1").post(URL, json=wanted)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert field in {each["field"] for each in answer.json()["errors"]} or not field
    assert (await notify.sql("select count(*) as n from subscriptions"))[0]["n"] == 0


async def test_each_kind_finds_its_cases(notify: Notify) -> None:
    of = case()
    await asks(notify, "s-case", case=of.id)
    await asks(notify, "s-near", area=HERE)
    await asks(notify, "s-near-bins", area=HERE, category="06042")
    await asks(notify, "s-community", division=COMMUNITY)
    await asks(notify, "s-street", division=STREET)
    await asks(notify, "s-district-bins", division=DISTRICT, category="06042")
    await asks(notify, "s-bins", category="06042")
    matching = await notify.sql("select recipient from subscriptions")
    await asks(notify, "s-other-case", case=str(uuid4()))
    await asks(notify, "s-away", area=HERE | {"lat": 34.2345})
    # 280 m off on each axis: inside the box of 300 m, outside the circle.
    await asks(notify, "s-corner", area=HERE | {"lat": 34.2270, "lon": 108.9500})
    await asks(notify, "s-near-lamps", area=HERE, category="01037")
    await asks(notify, "s-other-district", division="610102000000")
    await asks(notify, "s-lamps", category="01037")
    assert await heard(notify, new(of)) == {row["recipient"] for row in matching}


async def test_new_and_ended_cases_are_told_once_as_other_notices_are(notify: Notify) -> None:
    await asks(notify, "s-1", area=HERE)
    await asks(notify, "s-1", division=COMMUNITY)
    of = case(reporters=("r-1",))
    await asks(notify, "s-2", case=of.id)
    first = [
        event(about(CaseOpened, of, report_id="report-of-r-1")),
        new(of),
        event(about(CaseAccepted, of)),
    ]
    ended = event(about(CaseClosed, of))
    await notify.give(*first)
    await notify.give(ended)
    await notify.relayed()
    assert await titles(notify, "s-1") == ["您关注的范围内有新案件", "您关注的案件已结案"]
    assert await titles(notify, "s-2") == [
        "您关注的范围内有新案件",
        "您关注的案件已受理",
        "您关注的案件已结案",
    ]
    english = notify.reporter("s-1", language="en", lifetime_s=2)
    stream = (await english.get("/v1/me/stream?after=0")).text
    assert stream.index('"title":"A new case where you asked"') < stream.index('"title":"Closed"')
    before = await notify.sql("select * from notices order by id")
    await notify.sql("truncate inbox")
    await notify.give(*first, ended)
    assert await notify.sql("select * from notices order by id") == before


async def test_what_was_before_is_not_told_by_a_replay(notify: Notify) -> None:
    of, changed = case(), case()
    old = [new(of), new(changed), event(about(CaseClosed, of))]
    await notify.give(*old)
    id_ = await asks(notify, "s-1", case=str(uuid4()))
    await asks(notify, "s-2", area=HERE)
    await notify.reporter("s-1").put(f"{URL}/{id_}", json={"case": changed.id})
    await notify.sql("truncate inbox")
    assert await heard(notify, *old) == set()
    future = datetime.now(UTC) + timedelta(seconds=1)
    assert await heard(notify, event(about(CaseClosed, changed), at=future)) == {"s-1", "s-2"}


async def test_nothing_of_others_is_told(notify: Notify) -> None:
    await asks(notify, "s-1", area=HERE)
    place = Place(lat=34.224512, lon=108.947093)
    of = case(reporters=("r-1",), place=place, text="我叫张三")
    await notify.give(
        new(of), event(about(CaseRefused, of, reason="nothing-there", note="张三不在"))
    )
    rows = await notify.sql(
        "select row_to_json(n)::text as it from notices n where recipient = 's-1'"
    )
    assert len(rows) == 2
    for row in rows:
        assert not any(word in row["it"] for word in ("r-1", "张三", "34.22451", "108.94709"))
    page = (await notify.reporter("s-1").get("/v1/me/inbox")).json()
    assert [each["report_id"] for each in page["notices"]] == [None, None]
    square = "{:.4f}, {:.4f}".format(*grid_100m(place.lat, place.lon))
    assert square in page["notices"][1]["body"]
    # The places that circles are compared with are those squares: small steps tell no more.
    for at in range(8):
        circle = HERE | {"lat": 34.2243 + at * 0.0002, "radius_m": 100}
        await asks(notify, f"s-step-{at}", area=circle)
    corner = Place(lat=34.22402, lon=108.9470)
    assert grid_100m(corner.lat, corner.lon) == grid_100m(place.lat, place.lon)
    hearers = []
    for each in (place, corner):
        there = case(place=each)
        await notify.give(new(there))
        rows = await notify.sql("select recipient from notices where about = $1", there.id)
        hearers.append({row["recipient"] for row in rows})
    assert hearers[0] == hearers[1] and 1 < len(hearers[0]) < 9


async def test_who_reported_it_hears_as_its_reporter(notify: Notify) -> None:
    await asks(notify, "s-1", area=HERE)
    of = case(reporters=("s-1", "r-2"))
    await notify.give(
        event(about(CaseOpened, of, report_id="report-of-s-1")),
        new(of),
        event(about(CaseClosed, of)),
    )
    assert await titles(notify, "s-1") == ["已立案", "已结案"]


async def test_preferences_hold_for_these_too(notify: Notify) -> None:
    await asks(notify, "s-1", area=HERE)
    quiet = {"quiet_hours": {"begin": "00:00", "end": "23:59"}, "channels": {"stream": False}}
    await notify.reporter("s-1").put("/v1/me/preferences", json=quiet)
    await notify.give(new(case(dangerous=True)))
    rows = await notify.sql("select quiet, texts from notices where recipient = 's-1'")
    assert [row["quiet"] for row in rows] == [True] and "危险" in rows[0]["texts"]["zh-CN"]["title"]
    feeds = await notify.sql("select feeds from outbox where key = 's-1'::bytea")
    assert [row["feeds"] for row in feeds] == [[]]


async def test_who_is_erased_has_none_and_gets_none(notify: Notify) -> None:
    await asks(notify, "s-1", area=HERE)
    erased = ObserverErased(reporter_id="s-1", by=SYSTEM)
    await notify.give(new(case()), event(erased), new(case()))
    assert await notify.sql("select * from subscriptions") == []
    refused = await notify.reporter("s-1").post(URL, json={"area": HERE})
    assert refused.status_code == 404
    assert await heard(notify, new(case())) == set()


async def test_a_whole_district_is_told_beside_the_stream(notify: Notify) -> None:
    crowd = [f"s-{n:03}" for n in range(2 * PAGE + 50)]
    await notify.sql("insert into recipients (id) select unnest($1::text[])", crowd)
    await notify.sql(
        """
        insert into subscriptions (id, recipient, target, division)
        select gen_random_uuid(), id, id, $2 from unnest($1::text[]) as id
        """,
        crowd,
        DISTRICT,
    )
    of = case(text="我叫张三")
    both = [new(of), event(about(CaseClosed, of))]
    assert await heard(notify, *both) == set(), "the batch tells its reporter only"
    stored = await notify.sql("select ref, payload::text as it from jobs where kind = 'tell'")
    assert len(stored) == 2 and not any("张三" in row["it"] for row in stored)
    await notify.give(event(ObserverErased(reporter_id=crowd[7], by=SYSTEM)))

    async def told() -> bool:
        left = await notify.sql("select count(*) as n from jobs where kind = 'tell'")
        return bool(left[0]["n"] == 0)

    async with notify.working():
        await until(told)
    rows = await notify.sql(
        "select recipient, count(*) as n, max(seq) as last from notices where recipient like 's-%'"
        " group by 1"
    )
    assert {row["recipient"] for row in rows} == set(crowd) - {crowd[7]}
    assert {(row["n"], row["last"]) for row in rows} == {(2, 2)}
    leaving = [each for each in await notify.events() if each.type == "NoticeDelivered"]
    assert len(leaving) == len({each.event_id for each in leaving}) == 2 * len(crowd)
    before = await notify.sql("select * from notices order by id")
    await notify.sql("truncate inbox")
    await notify.give(*both)
    async with notify.working():
        await until(told)
    assert await notify.sql("select * from notices order by id") == before


async def test_a_batch_stays_short_however_many_listen(notify: Notify) -> None:
    """Prints how long a batch of 200 takes, of which every event has 1,000 subscribers."""
    await notify.sql("insert into recipients (id) select 's-' || n from generate_series(1, 1000) n")
    await notify.sql(
        """
        insert into subscriptions (id, recipient, target, category)
        select gen_random_uuid(), id, id, '06042' from recipients
        """
    )
    clock = asyncio.get_running_loop().time
    started = clock()
    await notify.give(*(event(about(CaseClosed)) for _ in range(200)))
    seconds = clock() - started
    print(f"notify: a batch of 200 with 1,000 subscribers each in {seconds:.2f} s")
    assert seconds < 5


async def test_a_place_that_is_none_on_earth_stops_nobody(notify: Notify) -> None:
    await asks(notify, "s-1", area=HERE)
    far = case(place=Place(lat=1e308, lon=-1e308))
    strange = case(id="no uuid at all")
    outcome = await notify.give(new(far), new(strange), new(case()))
    assert len(outcome.applied) == 3
    assert await titles(notify, "s-1") == ["您关注的范围内有新案件"] * 2


async def test_one_query_by_index_among_many(notify: Notify) -> None:
    """Prints events a second with as many subscriptions as a whole city might have."""
    await notify.sql("insert into recipients (id) select 'm-' || n from generate_series(1, 2000) n")
    await notify.sql(
        f"""
        insert into subscriptions (id, recipient, target, case_id, lat, lon, radius_m, area,
                                   division, category)
        select gen_random_uuid(), 'm-' || 1 + n % 2000, n::text,
            case when n % 4 = 0 then gen_random_uuid()::text end,
            case when n % 4 = 1 then lat end, case when n % 4 = 1 then lon end,
            case when n % 4 = 1 then 300 end,
            case when n % 4 = 1
                then box(point(lon - 0.003, lat - 0.003), point(lon + 0.003, lat + 0.003)) end,
            case when n % 4 = 2 then '6101' || lpad((n % 5000)::text, 8, '0') end,
            case when n % 4 = 3 then 'C' || n % 5000 end
        from (select n, 33.9 + random() * 0.8 as lat, 108.5 + random() * 0.8 as lon
              from generate_series(1, {MANY}) n) as drawn
        """
    )
    await notify.sql("analyze subscriptions")
    await asks(notify, "s-1", area=HERE)
    sights = {at: sight_of(case(), datetime.now(UTC), notify.context.city) for at in range(200)}
    plan = await explained(notify, sights)
    assert "Seq Scan on subscriptions" not in plan, plan
    for index in ("case", "area", "division", "category"):
        assert f"subscriptions_{index}" in plan, plan
    facts: list[CaseFact] = [about(CaseClosed) for _ in range(1000)]
    events = [event(each) for each in facts]
    clock = asyncio.get_running_loop().time
    started = clock()
    for at in range(0, len(events), 200):
        await notify.give(*events[at : at + 200])
    seconds = clock() - started
    print(f"notify: {len(events) / seconds:.0f} events/s among {MANY} subscriptions")
    assert len(await titles(notify, "s-1")) == 50, "a page; the rest behind its cursor"
    assert len(events) / seconds > 100


async def explained(notify: Notify, sights: dict[int, Any]) -> str:
    """The plan of the query for that batch, as it is really sent."""
    sent: list[tuple[Any, ...]] = []

    class Recording:
        async def fetch(self, query: str, *args: Any) -> list[Any]:
            sent.append((query, *args))
            return []

    await subscription_sql.matching(Recording(), sights, 21)
    ((query, *args),) = sent
    rows = await notify.sql("explain (analyze) " + query, *args)
    return "\n".join(row["QUERY PLAN"] for row in rows)
