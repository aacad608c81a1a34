"""Further evidence on a real database: joined by it, suggested for lack of it, told late."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bench.matters import Pairs, Scene, judge
from cities.areas import load_areas
from cities.load import load_city
from cities.phrases import load_phrases
from contracts.places import METRES_PER_DEG_LAT, Place
from contracts.reports import ReportEnriched, ReportNormalised
from services.dispatch.adapters.city import ordinary
from services.dispatch.domain.duplicates import Candidate, Sighting
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

CITY = load_city("xian")
SEED, SCENES = 4711, 300


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("duplicates") / "data") as found:
        yield found


@pytest.fixture
async def dispatch(env: Environment) -> AsyncIterator[Dispatch]:
    async with opened(env) as found:
        await found.sql("truncate cases, case_reports, case_events, outbox, inbox")
        yield found


def north(metres: float) -> float:
    return XIAOZHAI[0] + metres / METRES_PER_DEG_LAT


def told(seen: Candidate | Sighting, category: str, **more: Any) -> ReportNormalised:
    """A report that says the same."""
    place = Place(lat=seen.lat, lon=seen.lon, accuracy_m=seen.accuracy_m)
    return report(seen.lat, seen.lon, category, text=seen.text, place=place, **more)


def pair(scene: Scene) -> tuple[ReportNormalised, ReportNormalised]:
    """As if both were sent within the window, by now."""
    first = told(scene.case, scene.category)
    photo = first.report_id if scene.same_photo else None
    return first, told(scene.report, scene.category, same_photo=photo)


async def shown(dispatch: Dispatch, body: ReportNormalised) -> dict[str, Any]:
    """The report's case as an operator sees it."""
    rows = await dispatch.sql(
        "select case_id from case_reports where report_id = $1::text::uuid", body.report_id
    )
    answer = await dispatch.client("operator").get(f"/v1/cases/{rows[0]['case_id']}")
    found: dict[str, Any] = answer.json()
    return found


async def test_the_database_finds_what_the_rule_finds(dispatch: Dispatch) -> None:
    """Pairs whose truth is known, through locks, cells and SQL: as when each pair is alone."""
    phrases = load_phrases("xian", CITY)
    drawn = Pairs(SEED, CITY, load_areas("xian"), phrases).scenes(2 * SCENES)
    scenes = [each for each in drawn if each.truth != "mended"][:SCENES]
    pairs = [pair(each) for each in scenes]
    for at in range(0, len(pairs), 50):
        await dispatch.give(*(message(first) for first, _ in pairs[at : at + 50]))
    for at in range(0, len(pairs), 50):
        await dispatch.give(*(message(second) for _, second in pairs[at : at + 50]))
    differ = []
    for (first, second), expected in zip(
        pairs, judge(scenes, CITY, ordinary(CITY, phrases)), strict=True
    ):
        case = await shown(dispatch, second)
        ids = {each["report_id"] for each in case["reports"]}
        suggested = {each["case_id"] for each in case["suggestions"]}
        one = (await shown(dispatch, first))["id"]
        if (first.report_id in ids, one in suggested) != (expected.joined, expected.suggested):
            differ.append((expected, case))
    # Now and then a pair has another one beside it.
    assert len(differ) <= SCENES / 100, differ[:3]


async def test_the_same_photo_joins_further_away(dispatch: Dispatch) -> None:
    first, case = await dispatch.opened()
    await dispatch.give(message(report(north(55), text="又满了")))
    again = report(north(52), same_photo=first.report_id)
    await dispatch.give(message(again))
    assert (await shown(dispatch, again))["id"] == case["id"]
    counts = await dispatch.sql("select report_count from cases order by 1")
    assert [row["report_count"] for row in counts] == [1, 2]


async def test_a_photo_that_is_recognised_late_is_a_suggestion(dispatch: Dispatch) -> None:
    first, old = await dispatch.opened(category="06013")
    body, case = await dispatch.opened(lat=north(70), category="06013", text=None)
    assert case["suggestions"] == []
    late = ReportEnriched(
        report_id=body.report_id,
        reporter_id=body.reporter_id,
        cell=body.cell,
        flags=("photo-seen",),
        same_photo=first.report_id,
    )
    await dispatch.give(message(late, 3))
    after = await shown(dispatch, body)
    expected = {"case_id": old["id"], "code": old["code"], "same_by": ["photo"]}
    assert [{name: each[name] for name in expected} for each in after["suggestions"]] == [expected]
    assert after["suggestions"][0]["distance_m"] == pytest.approx(70, abs=0.1)
    assert (after["seq"], after["revision"]) == (case["seq"] + 1, case["revision"])
    events = [event for event in await dispatch.events() if event.type == "CaseEnriched"]
    assert len(events) == 1


async def test_a_voice_note_that_is_written_down_late(dispatch: Dispatch) -> None:
    """A case without a category joins nothing; when it gets one, the handler is asked."""
    _, old = await dispatch.opened()
    body, case = await dispatch.opened(lat=north(10), category=None, text=None)
    assert case["id"] != old["id"]
    late = ReportEnriched(
        report_id=body.report_id,
        reporter_id=body.reporter_id,
        cell=body.cell,
        category="06042",
        text="垃圾桶满了",
    )
    await dispatch.give(message(late, 3))
    after = await shown(dispatch, body)
    assert [each["case_id"] for each in after["suggestions"]] == [old["id"]]


async def test_the_handler_is_shown_it_and_the_operator_merges(dispatch: Dispatch) -> None:
    first, old = await dispatch.opened(text="桶编号1001满了", reporter_id=str(uuid4()))
    body, case = await dispatch.opened(lat=north(5), text="桶编号1002满了")
    assert case["id"] != old["id"]
    where = dispatch.context.areas.community_at(*XIAOZHAI)
    assert where is not None
    queue = (await dispatch.handler(where.code).get(f"/v1/communities/{where.code}/queue")).json()
    mine = next(each for each in queue["cases"] if each["id"] == case["id"])
    assert [each["code"] for each in mine["suggestions"]] == [old["code"]]
    reporter = dispatch.client("reporter", body.reporter_id)
    assert (await reporter.get(f"/v1/cases/{case['id']}")).json()["suggestions"] == []
    operator = dispatch.client("operator")
    await done(operator, case, "merge", into=old["id"])
    after = await shown(dispatch, body)
    assert {each["report_id"] for each in after["reports"]} == {first.report_id, body.report_id}
    apart = await done(operator, after, "separate", report_id=body.report_id)
    assert [each["report_id"] for each in apart["reports"]] == [first.report_id]


async def test_a_fixed_thing_is_a_new_matter(dispatch: Dispatch) -> None:
    """The same photo, words and place: over is over."""
    first, _ = await dispatch.opened()
    await dispatch.sql("update cases set state = 'closed', is_open = false")
    again = report(received_at=datetime.now(UTC) + timedelta(hours=1), same_photo=first.report_id)
    await dispatch.give(message(again))
    after = await shown(dispatch, again)
    assert (len(after["reports"]), after["suggestions"]) == (1, [])
