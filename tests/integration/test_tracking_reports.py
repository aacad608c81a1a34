"""A reporter's reports: right from the 202 on, whatever order events arrive in."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from contracts.cases import (
    CaseAccepted,
    CaseAssigned,
    CaseCommented,
    CaseMerged,
    CaseOpened,
    CaseRefused,
    CaseReport,
    CaseResolved,
    ReportJoined,
)
from contracts.credits import PointsCredited
from contracts.facts import SYSTEM, Actor
from contracts.notices import NoticeDelivered
from contracts.observers import ObserverErased
from contracts.reports import PlaceAsked, ReportEnriched, ReportRefused
from runtime.deadletters import Message
from services.tracking.domain.story import Accepted, Story, story_of
from tests.integration.service_set import Environment
from tests.integration.tracking_set import (
    Tracking,
    about,
    case_with,
    happened,
    installation,
    message,
    new_id,
    normalised,
    opened,
    staff,
    submitted,
)


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


def life(mine: str) -> tuple[str, list[Message]]:
    """A report with its case from the beginning to the proof."""
    sent = submitted(mine)
    case = case_with(sent)
    late = ReportEnriched(
        report_id=sent.report_id, reporter_id=mine, cell="89309b9a2b7ffff", text="垃圾桶又满了"
    )
    community = "610113002004"
    return sent.report_id, [
        about(sent, 1),
        about(PlaceAsked(report_id=sent.report_id, reporter_id=mine, code=sent.code), 2),
        about(normalised(sent), 3),
        about(late, 4),
        happened(CaseOpened, case, 1, state="opened", report_id=sent.report_id),
        happened(CaseAssigned, case, 2, community=community),
        happened(CaseAccepted, case, 3, state="accepted", by=staff(), community=community),
        happened(CaseCommented, case, 4, state="accepted", by=staff(), note="只给同事看"),
        happened(
            CaseResolved, case, 5, state="resolved", by=staff(), note="已清运", community=community
        ),
    ]


async def answer(tracking: Tracking, mine: str, report_id: str, **more: Any) -> Any:
    found = await tracking.client("reporter", mine).get(f"/v1/reports/{report_id}", **more)
    assert found.status_code == 200, found.text
    return found.json()


async def test_a_late_category_says_where_it_is_from(tracking: Tracking) -> None:
    mine = str(uuid4())
    sent = submitted(mine, text=None)
    late = ReportEnriched(
        report_id=sent.report_id,
        reporter_id=mine,
        cell="89309b9a2b7ffff",
        category="06042",
        category_source="words",
    )
    first = normalised(sent, category=None, category_source="none", text=None)
    await tracking.give(about(sent, 1), about(first, 2), about(late, 3))
    shown = (await answer(tracking, mine, sent.report_id))["normalised"]
    assert (shown["category"], shown["category_source"]) == ("06042", "words")


async def test_a_report_with_its_case_and_timeline(tracking: Tracking) -> None:
    mine = str(uuid4())
    report_id, events = life(mine)
    outcome = await tracking.give(*events)
    assert (len(outcome.applied), len(outcome.dead)) == (len(events), 0)
    seen = await answer(tracking, mine, report_id)
    assert (seen["status"], seen["case"]["state"]) == ("normalised", "resolved")
    assert (seen["accepted"]["text"], seen["normalised"]["text"]) == ("垃圾桶满了 ", "垃圾桶又满了")
    assert seen["case"]["community"]["code"] == "610113002004"
    assert seen["case"]["opened_by_this_report"] and not seen["case"]["clocks"]["overdue"]
    types = {line["type"] for line in seen["timeline"]}
    assert {"ReportSubmitted", "PlaceAsked", "CaseOpened", "CaseResolved"} <= types
    notes = {line["type"]: line["note"] for line in seen["timeline"]}
    assert (notes["CaseCommented"], notes["CaseResolved"]) == (None, "已清运")
    assert await tracking.sql("select * from outbox") == []


async def test_places_come_in_the_datum_that_is_asked_for(tracking: Tracking) -> None:
    mine = str(uuid4())
    report_id, events = life(mine)
    await tracking.give(*events)
    wgs = await answer(tracking, mine, report_id)
    gcj = await answer(tracking, mine, report_id, params={"crs": "gcj02"})
    assert gcj["accepted"]["place"]["lat"] == 34.2229
    assert wgs["accepted"]["place"]["lat"] == pytest.approx(34.2245, abs=0.0005)
    assert gcj["normalised"]["place"]["lon"] - wgs["normalised"]["place"]["lon"] > 0.003
    assert (gcj["normalised"]["place"]["crs"], wgs["normalised"]["place"]["crs"]) == (
        "gcj02",
        "wgs84",
    )


async def test_any_order_and_any_repetition_come_to_the_same(tracking: Tracking) -> None:
    mine = str(uuid4())
    report_id, events = life(mine)
    await tracking.give(*events)
    expected = await answer(tracking, mine, report_id)
    listed = (await tracking.client("reporter", mine).get("/v1/reports")).json()
    for seed in range(12):
        await tracking.empty()
        chance = random.Random(seed)
        shuffled = events + chance.sample(events, 4)
        chance.shuffle(shuffled)
        while shuffled:
            size = chance.randint(1, 5)
            await tracking.give(*shuffled[:size])
            shuffled = shuffled[size:]
        # Beyond the inbox's memory the keys hold.
        await tracking.sql("truncate inbox")
        await tracking.give(*chance.sample(events, len(events)))
        assert await answer(tracking, mine, report_id) == expected, f"seed {seed}"
        again = (await tracking.client("reporter", mine).get("/v1/reports")).json()
        assert again == listed


async def test_another_s_report_is_as_unknown_as_one_that_never_was(tracking: Tracking) -> None:
    report_id, events = life(str(uuid4()))
    await tracking.give(*events)
    stranger = tracking.client("reporter")
    theirs = await stranger.get(f"/v1/reports/{report_id}")
    nobodys = await stranger.get(f"/v1/reports/{uuid4()}")
    assert (theirs.status_code, theirs.json()) == (404, nobodys.json())
    assert (await stranger.get("/v1/reports/no-id")).status_code == 422
    assert (await tracking.client("handler").get("/v1/reports")).status_code == 403
    assert (await tracking.client(None).get("/v1/reports")).status_code == 401


async def test_right_after_the_202_intake_is_asked(tracking: Tracking) -> None:
    mine, sent = str(uuid4()), submitted("")
    story = story_of(sent.report_id, [sent])
    tracking.ahead.has(mine, story)
    seen = await answer(tracking, mine, sent.report_id)
    assert (seen["status"], seen["normalised"], seen["case"]) == ("accepted", None, None)
    assert [line["type"] for line in seen["timeline"]] == ["ReportSubmitted"]
    other = await tracking.client("reporter").get(f"/v1/reports/{sent.report_id}")
    assert other.status_code == 404
    tracking.ahead.away = True
    away = await tracking.client("reporter", mine).get(f"/v1/reports/{sent.report_id}")
    assert (away.status_code, "Retry-After" in away.headers) == (503, True)
    await tracking.give(about(replace(sent, reporter_id=mine), 1))
    assert (await answer(tracking, mine, sent.report_id))["status"] == "accepted"


async def test_the_worker_s_event_may_overtake_the_submission(tracking: Tracking) -> None:
    mine = str(uuid4())
    sent = submitted(mine)
    await tracking.give(about(normalised(sent), 2))
    tracking.ahead.has(mine, story_of(sent.report_id, [sent]))
    seen = await answer(tracking, mine, sent.report_id)
    assert (seen["status"], seen["accepted"]["text"]) == ("normalised", "垃圾桶满了 ")
    tracking.ahead.away = True
    seen = await answer(tracking, mine, sent.report_id)
    assert (seen["status"], seen["accepted"]) == ("normalised", None)


async def test_the_list_has_what_has_not_arrived_and_pages_are_stable(tracking: Tracking) -> None:
    mine = str(uuid4())
    sent = [
        submitted(mine, new_id(age=timedelta(minutes=30 - n if n < 20 else 0))) for n in range(25)
    ]
    arrived = [each for n, each in enumerate(sent) if n < 20 or n % 2]
    await tracking.give(*(about(each, 1) for each in arrived))
    for each in sent[20:]:
        tracking.ahead.has(mine, story_of(each.report_id, [each]))
    client = tracking.client("reporter", mine)
    found: list[str] = []
    cursor = None
    while True:
        query = {"limit": "4"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/reports", params=query)).json()
        assert page["complete"]
        found += [each["id"] for each in page["reports"]]
        cursor = page["cursor"]
        # What comes meanwhile is newer than every page to come.
        await tracking.give(about(submitted(mine), 1))
        if cursor is None:
            break
    assert found == sorted((each.report_id for each in sent), reverse=True)
    asked = tracking.ahead.asked
    await client.get("/v1/reports", params={"cursor": page_of(sent[5].report_id)})
    assert tracking.ahead.asked == asked, "old pages do not ask intake"
    tracking.ahead.away = True
    page = (await client.get("/v1/reports", params={"limit": "200"})).json()
    assert not page["complete"] and len(page["reports"]) >= len(arrived)


def page_of(report_id: str) -> str:
    from runtime.http import encode_cursor

    return encode_cursor((report_id,))


async def test_a_cursor_of_nobody_is_refused(tracking: Tracking) -> None:
    client = tracking.client("reporter")
    for cursor in ("x", "e30", "%00"):
        assert (await client.get("/v1/reports", params={"cursor": cursor})).status_code == 422


async def test_why_a_report_was_refused_in_the_reader_s_language(tracking: Tracking) -> None:
    mine = str(uuid4())
    sent, asked = submitted(mine, language="en"), submitted(mine)
    refused = ReportRefused(
        report_id=sent.report_id, reporter_id=mine, code=sent.code, reason="outside-city"
    )
    await tracking.give(about(sent, 1), about(refused, 2), about(asked, 1))
    hints = ("雁塔区 长延堡街道 瓦胡同社区",)
    asks = PlaceAsked(report_id=asked.report_id, reporter_id=mine, code=asked.code, hints=hints)
    await tracking.give(about(asks, 2))
    seen = await answer(tracking, mine, sent.report_id)
    assert seen["refusal"] == {"code": "outside-city", "text": "The place is outside the city"}
    chinese = {"Accept-Language": "zh-CN"}
    seen = await answer(tracking, mine, sent.report_id, headers=chinese)
    assert seen["refusal"]["text"] == "地点不在本市范围内"
    seen = await answer(tracking, mine, asked.report_id)
    assert (seen["status"], seen["links"]["place"]) == (
        "place-asked",
        f"/v1/reports/{asked.report_id}/place",
    )
    assert seen["question"].startswith("请补充") and seen["hints"] == list(hints)


async def test_who_joined_sees_the_case_but_not_the_first_reporter_s_words(
    tracking: Tracking,
) -> None:
    first, second = submitted(str(uuid4())), submitted(str(uuid4()))
    case = case_with(first)
    both = case_with(first, second).reports
    words = Actor(role="reporter", id=first.reporter_id)
    await tracking.give(
        about(first, 1),
        about(second, 1),
        happened(CaseOpened, case, 1, report_id=first.report_id),
        happened(ReportJoined, case, 2, report_id=second.report_id, reports=both),
        happened(CaseCommented, case, 3, reports=both, by=words, note="我家门口"),
        happened(
            CaseRefused, case, 4, reports=both, by=staff(), state="refused",
            reason="nothing-there", refusal="nothing-there",
        ),
    )  # fmt: skip
    seen = await answer(tracking, second.reporter_id, second.report_id)
    assert (seen["case"]["state"], seen["case"]["report_count"]) == ("refused", 2)
    assert seen["case"]["refusal"]["text"] == "现场未发现问题"
    assert not seen["case"]["opened_by_this_report"]
    assert "我家门口" not in str(seen)
    assert "我家门口" in str(await answer(tracking, first.reporter_id, first.report_id))
    assert first.reporter_id not in str(seen)


async def test_a_merged_case_hands_its_reports_over(tracking: Tracking) -> None:
    mine = submitted(str(uuid4()))
    old, other = case_with(mine), case_with(submitted(str(uuid4())))
    later = CaseReport(
        report_id=mine.report_id,
        reporter_id=mine.reporter_id,
        joined_at=datetime.now(UTC) + timedelta(seconds=5),
    )
    events = [
        about(mine, 1),
        happened(CaseOpened, old, 1, report_id=mine.report_id),
        happened(CaseMerged, old, 2, state="merged", into=other.id),
        happened(ReportJoined, other, 2, report_id=mine.report_id, reports=(*other.reports, later)),
    ]
    for order in (events, events[::-1]):
        await tracking.empty()
        await tracking.give(*order)
        seen = await answer(tracking, mine.reporter_id, mine.report_id)
        assert (seen["case"]["id"], seen["case"]["state"]) == (other.id, "assigned")


async def test_points_and_notices_stand_in_the_timeline(tracking: Tracking) -> None:
    mine = str(uuid4())
    report_id, events = life(mine)
    await tracking.give(*events)
    case_id = (await answer(tracking, mine, report_id))["case"]["id"]
    points = PointsCredited(
        reporter_id=mine, subject_id=case_id, reason="first-report", round=1, points=10, balance=10
    )
    notice = NoticeDelivered(
        notice_id=str(uuid4()), recipient_id=mine, channel="inbox", about=case_id,
        event="CaseResolved",
    )  # fmt: skip
    told = [message(points, mine, 1, "rewards"), message(notice, mine, 1, "notify")]
    await tracking.give(*told, *told)
    lines = (await answer(tracking, mine, report_id))["timeline"]
    shown = [line for line in lines if line["about"] in ("points", "notice")]
    assert [line["points"] for line in shown if line["about"] == "points"] == [10]
    assert [line["event"] for line in shown if line["about"] == "notice"] == ["CaseResolved"]


async def test_an_erased_reporter_is_nowhere_and_stays_nowhere(tracking: Tracking) -> None:
    mine, other = submitted(str(uuid4())), submitted(str(uuid4()))
    case = case_with(mine, other)
    words = Actor(role="reporter", id=mine.reporter_id)
    events = [
        about(mine, 1),
        about(normalised(mine), 2),
        about(other, 1),
        happened(CaseOpened, case, 1, report_id=mine.report_id),
        happened(CaseCommented, case, 2, by=words, note="我住三楼"),
    ]
    await tracking.give(*events)
    erasure = message(ObserverErased(reporter_id=mine.reporter_id, by=SYSTEM), mine.reporter_id, 1)
    await tracking.give(erasure)
    await nothing_of(tracking, mine.reporter_id)
    await tracking.sql("truncate inbox")
    later = happened(CaseAccepted, case, 3, state="accepted", by=staff())
    await tracking.give(*events, later)
    await nothing_of(tracking, mine.reporter_id)
    seen = await answer(tracking, other.reporter_id, other.report_id)
    assert (seen["case"]["state"], seen["case"]["report_count"]) == ("accepted", 2)
    gone = await tracking.client("reporter", mine.reporter_id).get(f"/v1/reports/{mine.report_id}")
    assert gone.status_code == 404


async def nothing_of(tracking: Tracking, reporter_id: str) -> None:
    for table in ("reports", "report_facts", "cases", "case_reports", "case_events"):
        rows = await tracking.sql(f"select row_to_json(t)::text as row from {table} t")
        text = " ".join(row["row"] for row in rows)
        assert reporter_id not in text and "我住三楼" not in text, table
    cases = await tracking.sql("select body, bigrams from cases")
    assert all("text" not in row["body"] and "垃圾" not in row["bigrams"] for row in cases)


async def test_an_erasure_and_its_last_report_in_one_batch(tracking: Tracking) -> None:
    mine = submitted(str(uuid4()))
    erasure = message(ObserverErased(reporter_id=mine.reporter_id, by=SYSTEM), mine.reporter_id, 1)
    await tracking.give(about(mine, 1), erasure, about(normalised(mine), 2))
    await nothing_of(tracking, mine.reporter_id)


async def test_poison_among_good_events(tracking: Tracking) -> None:
    mine = str(uuid4())
    _, events = life(mine)
    case = case_with(submitted(mine))
    bad = [
        about(submitted(mine, text="a\0b"), 1),
        message(submitted(mine), str(uuid4()), 1),
        about(submitted(mine, "no-uuid"), 1),
        happened(CaseOpened, replace(case, id="no-uuid"), 1, report_id="x"),
    ]
    outcome = await tracking.give(*events[:4], *bad, *events[4:])
    assert (len(outcome.applied), len(outcome.dead)) == (len(events), len(bad))


def test_a_story_of_nothing() -> None:
    assert story_of("x", []) == Story(id="x")
    assert Accepted(received_at=datetime.now(UTC)).language == "zh-CN"


async def test_every_question_has_its_index(tracking: Tracking) -> None:
    from services.tracking.adapters import case_sql, erase_sql, report_sql, told_sql

    await tracking.sql(
        "insert into reports select gen_random_uuid(), (n % 500)::text "
        "from generate_series(1, 20000) n"
    )
    await tracking.sql("analyze")
    mine, one = "7", str(uuid4())
    asked: list[tuple[str, tuple[object, ...]]] = [
        (report_sql.PAGE_SQL, (mine, None, 50)),
        (report_sql.FACTS_SQL, ([one],)),
        (report_sql.LINES_SQL, (one,)),
        (case_sql.OF_REPORTS_SQL, ([one],)),
        (case_sql.LINES_SQL, (one, 500)),
        (told_sql.POINTS_SQL, (mine, [one], 500)),
        (told_sql.NOTICES_SQL, (mine, [one], 500)),
        (erase_sql.CASES_SQL, ([mine],)),
    ]
    for sql, args in asked:
        async with tracking.context.db.transaction() as connection:
            # Small tables: is there an index that can answer at all?
            await connection.execute("set local enable_seqscan = off")
            rows = await connection.fetch("explain " + sql, *args)
        plan = "\n".join(row[0] for row in rows)
        assert "Seq Scan" not in plan, f"{sql}\n{plan}"


async def test_a_copy_of_all_that_is_mine_and_of_nothing_else(tracking: Tracking) -> None:
    mine, other = str(uuid4()), str(uuid4())
    for _ in range(120):
        sent = submitted(mine)
        await tracking.give(about(sent, 1))
    await tracking.give(about(submitted(other, text="别人的"), 1))
    for reporter in (mine, other):
        points = [
            PointsCredited(
                reporter_id=reporter, subject_id=str(uuid4()), reason="first-report", round=1,
                points=n, balance=n,
            )
            for n in range(1, 601 if reporter == mine else 3)
        ]  # fmt: skip
        told = [message(each, reporter, n, "rewards") for n, each in enumerate(points, 1)]
        await tracking.give(*told[:400])
        await tracking.give(*told[400:])
    answer = await tracking.client("reporter", mine).get("/v1/me/export")
    copy = answer.json()
    assert answer.headers["cache-control"] == "no-store" and copy["complete"]
    assert copy["profile"] == {"id": mine}
    assert len({each["id"] for each in copy["reports"]}) == len(copy["reports"]) == 120
    assert sorted(each["points"] for each in copy["points"]) == list(range(1, 601))
    assert [each["id"] for each in copy["media"]] == ["m", "mm"]
    assert other not in answer.text and "别人的" not in answer.text
    for role in ("handler", "operator"):
        assert (await tracking.client(role).get("/v1/me/export")).status_code == 403
    tracking.ahead.away = True
    away = await tracking.client("reporter", mine).get("/v1/me/export")
    assert (away.status_code, "retry-after" in away.headers) == (503, True)
