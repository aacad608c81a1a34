"""What operators look for: search, exports, figures; on as many cases as a busy month has."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.cases import (
    CaseAccepted,
    CaseAssigned,
    CaseClocks,
    CaseClosed,
    CaseOpened,
    CaseResolved,
)
from contracts.places import Place
from services.tracking.adapters import search_sql, stats_sql
from services.tracking.adapters.search_sql import Position
from services.tracking.domain.searching import Box, Sought, words_of
from tests.integration.service_set import Environment
from tests.integration.tracking_set import (
    Tracking,
    case_with,
    happened,
    installation,
    opened,
    submitted,
)

COMMUNITY = "610113002004"
NOW = datetime.now(UTC)
MANY = 20_000


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("tracking")
    with installation(path / "data") as told:
        yield told


@pytest.fixture
async def tracking(env: Environment) -> AsyncIterator[Tracking]:
    async with opened(env) as found:
        await found.empty()
        yield found


async def opens(tracking: Tracking, **of: Any) -> str:
    """A case that is opened; its id."""
    age = of.pop("age", timedelta(hours=1))
    at = NOW - age
    clocks = CaseClocks(accept_by=at, resolve_by=at + timedelta(hours=4))
    case = case_with(submitted("r"), opened_at=at, clocks=clocks, **of)
    await tracking.give(happened(CaseOpened, case, 1, report_id=case.reports[0].report_id))
    return case.id


async def found(tracking: Tracking, **query: Any) -> list[str]:
    answer = await tracking.client("operator").get("/v1/cases", params=query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["cases"]]


async def test_two_characters_find_what_holds_both_as_they_stand(tracking: Tracking) -> None:
    cover = await opens(tracking, text="小区门口井盖没了")
    lamp = await opens(tracking, text="路灯不亮 Street LAMP", code="K7LAMP9")
    await opens(tracking, text="井里有水，盖子在")
    await opens(tracking, text=None)
    assert await found(tracking, q="井盖") == [cover]
    assert await found(tracking, q="门口 井盖") == [cover]
    assert await found(tracking, q="井盖没了小") == []
    assert await found(tracking, q="路灯") == await found(tracking, q="ｓｔｒｅｅｔ lamp") == [lamp]
    assert await found(tracking, q="k7lamp9") == [lamp]
    refused = await tracking.client("operator").get("/v1/cases", params={"q": "井"})
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "q"


async def test_each_condition_and_all_together(tracking: Tracking) -> None:
    here = await opens(tracking, state="accepted", age=timedelta(hours=5), community=COMMUNITY)
    away = await opens(tracking, place=Place(lat=34.40, lon=109.20), category="01037")
    done = await opens(tracking, state="closed", age=timedelta(days=3))
    box = "108.94,34.22,108.95,34.23"
    assert await found(tracking) == [away, here, done]
    assert await found(tracking, bbox=box) == [here, done]
    shifted = "108.9445,34.2183,108.9548,34.2285"
    assert await found(tracking, bbox=shifted, crs="gcj02") == [here, done]
    assert await found(tracking, state=["accepted", "closed"]) == [here, done]
    assert await found(tracking, category="01037") == [away]
    assert await found(tracking, community=COMMUNITY) == [here]
    assert await found(tracking, overdue="true") == [here]
    assert await found(tracking, overdue="false") == [away, done]
    assert await found(tracking, since=(NOW - timedelta(days=1)).isoformat()) == [away, here]
    assert await found(tracking, bbox=box, state="accepted", overdue="true", q="垃圾") == [here]


@pytest.mark.parametrize(
    "query",
    [
        {"bbox": "1,2,3"},
        {"bbox": "109,34,108,35"},
        {"bbox": "nan,34,109,35"},
        {"state": "lost"},
        {"since": "0001-01-01T00:00:00Z"},
        {"since": "2026-01-01T00:00:00"},
        {"cursor": "x"},
        {"q": "a\0b"},
        {"limit": "0"},
    ],
)
async def test_a_question_that_is_none_is_refused(tracking: Tracking, query: Any) -> None:
    answer = await tracking.client("operator").get("/v1/cases", params=query)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("path", ["/v1/cases", "/v1/cases.csv", "/v1/cases.geojson", "/v1/stats"])
async def test_only_operators_search(tracking: Tracking, path: str) -> None:
    for role, status in (("reporter", 403), ("handler", 403), (None, 401), ("operator", 200)):
        assert (await tracking.client(role).get(path)).status_code == status


async def test_pages_hold_each_case_once(tracking: Tracking) -> None:
    ids = [await opens(tracking, age=timedelta(hours=n // 3)) for n in range(11)]
    seen: list[str] = []
    cursor = None
    client = tracking.client("operator")
    while True:
        query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/cases", params=query)).json()
        seen += [each["id"] for each in page["cases"]]
        cursor = page["cursor"]
        await opens(tracking, age=timedelta(seconds=-len(seen)))
        if cursor is None:
            break
    assert sorted(seen) == sorted(ids)


async def test_a_spreadsheet_runs_nothing(tracking: Tracking) -> None:
    for at, text in enumerate(['=cmd|" /C calc"!A0', "+1", "-1", "@x", "\t=1", "\r=1", "好,\n的"]):
        await opens(tracking, text=text, age=timedelta(minutes=at))
    answer = await tracking.client("operator").get("/v1/cases.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert rows[0][0] == "编号" and len({len(row) for row in rows}) == 1
    texts = [row[-1] for row in rows[1:]]
    assert all(text.startswith("'") for text in texts[:6]) and texts[6] == "好,\n的"
    english = await tracking.client("operator").get(
        "/v1/cases.csv", headers={"Accept-Language": "en"}
    )
    assert english.text.removeprefix("\ufeff").startswith("code,id,state")


async def test_a_map_of_what_is_found(tracking: Tracking) -> None:
    case_id = await opens(tracking, community=COMMUNITY)
    answer = await tracking.client("operator").get("/v1/cases.geojson", params={"limit": "1"})
    (feature,) = answer.json()["features"]
    assert answer.headers["content-type"] == "application/geo+json"
    assert (feature["id"], feature["geometry"]["coordinates"]) == (case_id, [108.947, 34.2245])
    assert not answer.json()["truncated"]
    await opens(tracking)
    answer = await tracking.client("operator").get("/v1/cases.geojson", params={"limit": "1"})
    assert answer.json()["truncated"]


async def counted(tracking: Tracking) -> list[tuple[Any, ...]]:
    """The counts that are kept; none of nothing."""
    return [
        tuple(row) for row in await tracking.sql("select * from case_counts order by 1, 2, 3, 4")
    ]


async def recounted(tracking: Tracking) -> list[tuple[Any, ...]]:
    """The same from the cases as they are."""
    rows = await tracking.sql(
        """
        select day, coalesce(community, ''), coalesce(category, ''), state, count(*),
            count(accepted_at),
            coalesce(sum(extract(epoch from accepted_at - opened_at)), 0) * 1000000,
            count(resolved_at),
            coalesce(sum(extract(epoch from resolved_at - opened_at)), 0) * 1000000,
            count(*) filter (where resolved_at > resolve_by)
        from cases group by 1, 2, 3, 4 order by 1, 2, 3, 4
        """
    )
    return [tuple(row) for row in rows]


async def test_counts_follow_the_cases_whatever_comes_when(tracking: Tracking) -> None:
    events = []
    for n in range(30):
        at = NOW - timedelta(days=n % 4, hours=n)
        clocks = CaseClocks(accept_by=at, resolve_by=at + timedelta(hours=1 + n % 3))
        accepted, resolved = at + timedelta(minutes=n), at + timedelta(hours=2)
        case = case_with(
            submitted("r"), opened_at=at, clocks=clocks, category=["06042", "01037", None][n % 3]
        )
        to = {"community": COMMUNITY}
        own = to | {"accepted_at": accepted}
        end = own | {"resolved_at": resolved}
        events += [
            happened(CaseOpened, case, 1, state="opened", report_id=case.reports[0].report_id),
            happened(CaseAssigned, case, 2, **to),
            happened(CaseAccepted, case, 3, state="accepted", **own),
            happened(CaseResolved, case, 4, state="resolved", **end),
            happened(CaseClosed, case, 5, state="closed", closed_at=resolved, **end),
        ][: 1 + n % 5]
    expected: list[tuple[Any, ...]] = []
    for seed in range(5):
        await tracking.empty()
        chance = random.Random(seed)
        shuffled = events + chance.sample(events, 20)
        chance.shuffle(shuffled)
        while shuffled:
            size = chance.randint(1, 30)
            await tracking.give(*shuffled[:size])
            shuffled = shuffled[size:]
        assert await counted(tracking) == await recounted(tracking)
        expected = expected or await counted(tracking)
        assert await counted(tracking) == expected
        await tracking.sql("truncate inbox")
        await tracking.give(*events)
        assert await counted(tracking) == expected, "a replay counts nothing"


async def test_figures_by_community_category_and_day(tracking: Tracking) -> None:
    late = {"accepted_at": NOW - timedelta(hours=11), "resolved_at": NOW - timedelta(hours=2)}
    await opens(tracking, age=timedelta(hours=12), state="closed", community=COMMUNITY, **late)
    await opens(tracking, age=timedelta(hours=5), community=COMMUNITY)
    await opens(tracking, category=None)
    await opens(tracking, age=timedelta(days=60))
    stats = (await tracking.client("operator").get("/v1/stats")).json()
    total = stats["total"]
    assert {name: total[name] for name in ("cases", "running", "closed", "overdue", "late")} == {
        "cases": 3, "running": 2, "closed": 1, "overdue": 1, "late": 1,
    }  # fmt: skip
    assert (total["accept_s"], total["resolve_s"]) == (3600, 36000)
    by = {each["key"]: each for each in stats["by_community"]}
    assert (by[COMMUNITY]["cases"], by[COMMUNITY]["overdue"], by[""]["cases"]) == (2, 1, 1)
    assert {each["key"] for each in stats["by_category"]} == {"06042", ""}
    assert sum(each["cases"] for each in stats["by_day"]) == 3
    one = await tracking.client("operator").get("/v1/stats", params={"category": "01037"})
    assert one.json()["total"]["cases"] == 0
    for query in ({"since": "2026-02-01", "until": "2026-01-01"}, {"since": "0001-01-01"}):
        bad = await tracking.client("operator").get("/v1/stats", params=query)
        assert bad.status_code == 422


async def test_every_search_uses_an_index_among_many(tracking: Tracking) -> None:
    await opens(tracking)
    await tracking.sql(
        f"""
        insert into cases (id, seq, code, state, category, community, lat, lon, day, opened_at,
                           resolve_by, bigrams, body)
        select gen_random_uuid(), 1, 'C' || n,
            case when n % 50 = 0 then 'assigned' when n % 51 = 0 then 'refused' else 'closed' end,
            '0' || n % 60, 'community' || n % 900, 34 + random() * 0.6, 108.7 + random() * 0.6,
            now()::date - n % 300, now() - interval '20 minutes' * n,
            now() + interval '1 hour' * (n % 100 - 5),
            array[substr(md5(n::text), 1, 2), substr(md5(n::text), 3, 2),
                  case when n % 400 = 0 then '井盖' else '路面' end], c.body
        from generate_series(1, {MANY}) n, (select body from cases limit 1) c
        """
    )
    await tracking.sql("analyze cases")
    now = datetime.now(UTC)
    box = Box(west=108.94, south=34.22, east=108.96, north=34.24)
    soughts = {
        "cases_recent": Sought(),
        "cases_words": Sought(words=words_of("井盖")),
        "cases_place": Sought(box=box),
        "cases_state": Sought(states=("refused",)),
        "cases_category": Sought(categories=("017",)),
        "cases_community": Sought(communities=("community7",)),
        "cases_running": Sought(overdue=True),
    }
    for index, sought in soughts.items():
        sql, values = search_sql.query(sought, now, None, 51)
        plan = await explained(tracking, sql, *values)
        assert index in plan and "Seq Scan" not in plan, f"{index}:\n{plan}"
    sql, values = search_sql.query(Sought(), now, Position(now - timedelta(days=30), UUID0), 51)
    plan = await explained(tracking, sql, *values)
    assert "Index Cond" in plan and "cases_recent" in plan, plan
    days = (now.date() - timedelta(days=30), now.date())
    plan = await explained(tracking, stats_sql.DEADLINES_SQL, *days, None, None)
    assert "Seq Scan" not in plan, plan
    await tracking.sql(
        f"""
        insert into case_changes (sign, day, community, category, state, resolve_by, late)
        select 1, now()::date, 'community' || n % 900, '', 'assigned', now(), false
        from generate_series(1, {MANY}) n
        """
    )
    await tracking.sql("analyze case_changes")
    head = (await tracking.sql(stats_sql.NOW_SQL))[0]["snapshot"]
    plan = await explained(tracking, stats_sql.CHANGES_SQL, head, *days, None, None)
    assert "case_changes_made" in plan, plan


UUID0 = UUID(int=0)


async def explained(tracking: Tracking, sql: str, *values: object) -> str:
    rows = await tracking.sql("explain (analyze) " + sql, *values)
    plan = "\n".join(row[0] for row in rows)
    print(sql.split("where")[-1][:60].strip(), "|", rows[-1][0])
    return plan
