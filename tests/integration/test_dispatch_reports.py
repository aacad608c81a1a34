"""Reports become cases once, join what is near, and stay in order."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.reports import PlaceAsked, ReportEnriched
from contracts.submissions import Media
from runtime.effects import Transactor
from tests.integration.case_actions import done
from tests.integration.dispatch_set import (
    XIAOZHAI,
    Dispatch,
    installation,
    message,
    opened,
    report,
)
from tests.integration.service_set import Environment

METRES_PER_DEG = 111_195.0


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("dispatch")
    with installation(path / "data") as told:
        yield told


@pytest.fixture
async def dispatch(env: Environment) -> AsyncIterator[Dispatch]:
    async with opened(env) as found:
        await found.sql("truncate cases, case_reports, case_events, inbox, outbox, dead_letters")
        yield found


async def test_a_report_opens_a_case_of_its_community(dispatch: Dispatch) -> None:
    body, case = await dispatch.opened()
    where = dispatch.context.areas.community_at(body.place.lat, body.place.lon)
    assert where is not None
    assert (case["state"], case["community"], case["revision"]) == ("assigned", where.code, 2)
    events = await dispatch.events()
    assert [(event.type, event.seq) for event in events] == [("CaseOpened", 1), ("CaseAssigned", 2)]
    assert {event.correlation_id for event in events} == {body.report_id}
    feeds = await dispatch.sql("select feeds from outbox order by id")
    assert [row["feeds"] for row in feeds] == [[], [f"community:{where.code}"]]


async def test_the_same_event_again_changes_nothing(dispatch: Dispatch) -> None:
    first = message(report())
    await dispatch.give(first, first)
    before = await dispatch.sql("select seq, body from cases")
    outcome = await dispatch.give(first)
    assert (len(outcome.applied), len(outcome.duplicate)) == (0, 1)
    # Beyond the inbox's memory the business key holds.
    await dispatch.sql("truncate inbox")
    assert len((await dispatch.give(first)).applied) == 1
    assert await dispatch.sql("select seq, body from cases") == before
    assert len(await dispatch.events()) == 2


async def test_two_of_a_batch_join_each_other_and_a_third_joins_them(dispatch: Dispatch) -> None:
    near = report(), report(lon=108.9470 + 5 / METRES_PER_DEG)
    await dispatch.give(*(message(each) for each in near))
    await dispatch.give(message(report(lat=34.2245 + 10 / METRES_PER_DEG)))
    await dispatch.give(message(report(lat=34.2245 + 60 / METRES_PER_DEG)))
    rows = await dispatch.sql("select report_count, revision, seq from cases order by report_count")
    assert [tuple(row) for row in rows] == [(1, 2, 2), (3, 2, 4)]


async def test_a_report_without_category_or_community(dispatch: Dispatch) -> None:
    _, case = await dispatch.opened(category=None)
    assert case["category"] is None
    _, far = await dispatch.opened(lat=31.0, lon=121.0)
    assert (far["state"], far["community"]) == ("opened", None)
    opened_facts = [event.body for event in await dispatch.events() if event.type == "CaseOpened"]
    assert [fact.reason for fact in opened_facts] == [None, "no-community"]  # type: ignore[attr-defined]


async def test_what_comes_late_is_added(dispatch: Dispatch) -> None:
    media = (Media(id="a", kind="photo", content_type="image/jpeg"),)
    body, case = await dispatch.opened(category=None, text=None, media=media)
    late = ReportEnriched(
        report_id=body.report_id,
        reporter_id=body.reporter_id,
        cell=body.cell,
        category="01037",
        text="路灯不亮",
        media=(),
    )
    await dispatch.give(message(late, 3), message(late, 4))
    after = (await dispatch.client("operator").get(f"/v1/cases/{case['id']}")).json()
    assert (after["category"], after["text"], after["media"]) == ("01037", "路灯不亮", [])
    assert (after["seq"], after["revision"]) == (case["seq"] + 1, case["revision"] + 1)
    # And now it takes part in the search for duplicates.
    await dispatch.give(message(report(category="01037")))
    assert (await dispatch.sql("select count(*) as n from cases"))[0]["n"] == 1


async def test_a_specialist_is_sent_for_what_a_voice_says(dispatch: Dispatch) -> None:
    """A transcript that names the category by its alias; not one from which it is guessed, and
    not when somebody has accepted."""
    said = {"category": "02014", "text": "红绿灯坏了"}
    for source, accepted, department in (
        ("alias", False, "traffic-police"),
        ("words", False, None),
        ("alias", True, None),
    ):
        await dispatch.sql("truncate cases, case_reports, case_events, inbox, outbox")
        body, case = await dispatch.opened(category=None, text=None)
        community = case["community"]
        if accepted:
            await done(dispatch.handler(community), case, "accept")
        late = ReportEnriched(
            report_id=body.report_id,
            reporter_id=body.reporter_id,
            cell=body.cell,
            category_source=source,  # type: ignore[arg-type]
            **said,  # type: ignore[arg-type]
        )
        await dispatch.give(message(late, 3), message(late, 4))
        after = (await dispatch.client("operator").get(f"/v1/cases/{case['id']}")).json()
        assert (after["category"], after["department"]) == ("02014", department)
        lines = (await dispatch.handler(community).get(f"/v1/cases/{case['id']}/events")).json()
        told = [(line["type"], line["reason"]) for line in lines["events"][-2:]]
        expected = ("CaseAssigned", "specialist") if department else ("CaseEnriched", None)
        assert told[-1] == expected


async def test_others_on_the_topics_are_heard_and_left_alone(dispatch: Dispatch) -> None:
    asked = PlaceAsked(report_id=report().report_id, reporter_id="r", code="C")
    outcome = await dispatch.give(message(asked))
    assert (len(outcome.applied), len(outcome.dead)) == (1, 0)


async def test_poison_among_good_reports(dispatch: Dispatch) -> None:
    good = [report(lat=34.20 + n / 1000) for n in range(9)]
    bad = report(text="a\0b"), report(report_id="no-uuid"), report(lat=float("200"))
    messages = [message(each) for each in (*good[:5], *bad, *good[5:])]
    outcome = await dispatch.give(*messages)
    assert (len(outcome.applied), len(outcome.dead)) == (9, 3)
    assert (await dispatch.sql("select count(*) as n from cases"))[0]["n"] == 9
    assert (await dispatch.sql("select count(*) as n from dead_letters"))[0]["n"] == 3


async def test_same_place_same_instant_through_two_connections(dispatch: Dispatch) -> None:
    """F22: 50 pairs 5 m apart, each half through its own transactor: 50 cases."""
    one, other = [], []
    for n in range(50):
        lat, lon = 34.15 + (n % 10) * 0.004, 108.90 + (n // 10) * 0.004
        turn = 2 * math.pi * n / 50
        dlat = 5 * math.sin(turn) / METRES_PER_DEG
        dlon = 5 * math.cos(turn) / (METRES_PER_DEG * math.cos(math.radians(lat)))
        one.append(message(report(lat, lon)))
        other.append(message(report(lat + dlat, lon + dlon)))
    second = Transactor(dispatch.context.db, dispatch.effects)

    async def stream(transactor: Transactor, messages: list[object], size: int) -> None:
        for at in range(0, len(messages), size):
            await transactor.take(messages[at : at + size])  # type: ignore[arg-type]

    await asyncio.gather(
        stream(dispatch._transactor, list(one), 5), stream(second, list(reversed(other)), 7)
    )
    counts = await dispatch.sql("select report_count from cases")
    assert [row["report_count"] for row in counts] == [2] * 50


async def test_how_fast_reports_are_applied(dispatch: Dispatch) -> None:
    """Prints events a second at batch 200; holds a floor that only a mistake goes below."""
    messages = [
        message(report(34.10 + (n % 300) * 0.0006, 108.85 + (n // 300) * 0.004))
        for n in range(2000)
    ]
    started = datetime.now(UTC)
    for at in range(0, len(messages), 200):
        await dispatch.give(*messages[at : at + 200])
    seconds = (datetime.now(UTC) - started).total_seconds()
    print(f"dispatch: {len(messages) / seconds:.0f} reports/s at batch 200")
    assert (await dispatch.sql("select count(*) as n from case_reports"))[0]["n"] == 2000
    assert len(messages) / seconds > 100


async def test_a_specialist_is_sent_for_what_is_sure(dispatch: Dispatch) -> None:
    """Signals are the traffic police's; the community watches, live and in its stream."""
    _, sure = await dispatch.opened(category="02014", category_source="client")
    where = dispatch.context.areas.community_at(*XIAOZHAI)
    assert where is not None
    assert (sure["department"], sure["community"]) == ("traffic-police", None)
    community = dispatch.handler(where.code)
    shown = (await community.get(f"/v1/cases/{sure['id']}")).json()
    assert shown["alternatives"][0] == {"reason": "area", "community": where.code}
    assert "accept" not in shown["allowed"]
    lines = (await community.get(f"/v1/cases/{sure['id']}/events")).json()["events"]
    assert [line["reason"] for line in lines] == [None, "specialist"]
    feeds = await dispatch.sql("select feeds from outbox where feeds <> '{}'")
    assert set(feeds[0]["feeds"]) == {f"community:{where.code}", "department:traffic-police"}
    police = dispatch.client("department", departments=frozenset({"traffic-police"}))
    case = await done(police, sure, "return", reason="private-owner")
    assert (case["community"], case["department"]) == (where.code, None)
    _, guessed = await dispatch.opened(category="02014", category_source="words")
    assert (guessed["department"], guessed["community"]) == (None, where.code)
    sign = await done(dispatch.handler(where.code), guessed, "recategorise", category="02010")
    assert (sign["department"], sign["community"]) == ("traffic-police", None)
    lines = (await police.get(f"/v1/cases/{sign['id']}/events")).json()["events"]
    assert (lines[-1]["type"], lines[-1]["reason"]) == ("CaseAssigned", "specialist")
    assert (await community.get(f"/v1/cases/{sign['id']}")).status_code == 200
