"""Handing over, standing still, asking, correcting, merging: over HTTP, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.cases import CaseChecked, CaseResolved, ReportJoined, ReportSeparated
from contracts.facts import Actor, Event
from contracts.observers import ObserverReinstated, ObserverSuspended
from contracts.places import Place
from tests.integration.case_actions import JsonObject, done, post, resolved
from tests.integration.dispatch_set import XIAOZHAI, Dispatch, installation, message, opened
from tests.integration.service_set import Environment

FAR = (XIAOZHAI[0] + 0.02, XIAOZHAI[1])


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("actions")
    with installation(path / "data") as told:
        yield told


@pytest.fixture
async def dispatch(env: Environment) -> AsyncIterator[Dispatch]:
    async with opened(env) as found:
        await found.sql("truncate cases, case_reports, case_events, inbox, outbox")
        yield found


async def told(dispatch: Dispatch, case_id: str) -> list[Event]:
    """The events of one case; their numbers have no gap."""
    events = [each for each in await dispatch.events() if each.subject == case_id]
    assert [each.seq for each in events] == list(range(1, len(events) + 1))
    return events


async def members(dispatch: Dispatch) -> dict[str, str]:
    rows = await dispatch.sql("select report_id::text, case_id::text from case_reports")
    return {row["report_id"]: row["case_id"] for row in rows}


async def test_handed_over_held_up_and_given_more_time(dispatch: Dispatch) -> None:
    _, case = await dispatch.opened()
    handler, operator = dispatch.handler(case["community"]), dispatch.client("operator")
    lamps = dispatch.client("department", departments=frozenset({"lighting"}))
    case = await done(handler, case, "accept")
    both = await post(
        handler, case, "transfer", reason="other-area", community=case["community"], department="x"
    )
    assert both.status_code == 422
    case = await done(handler, case, "transfer", reason="other-department", department="lighting")
    assert (case["state"], case["community"], case["department"]) == ("assigned", None, "lighting")
    assert (await handler.get(f"/v1/cases/{case['id']}")).status_code == 200, "still responsible"
    case = await done(lamps, case, "accept")
    assert (await handler.get(f"/v1/cases/{case['id']}")).status_code == 404
    case = await done(lamps, case, "made-safe")
    assert case["made_safe_at"] and "made-safe" not in case["allowed"]
    unlisted = await post(lamps, case, "suspend", reason="tired")
    assert unlisted.status_code == 422
    before = case["clocks"]["resolve_by"]
    case = await done(lamps, case, "suspend", reason="weather")
    assert case["clocks"]["suspended_at"] and case["clocks"]["left_s"] > 0
    case = await done(lamps, case, "resume")
    assert case["state"] == "in-progress" and "left_s" not in case["clocks"]
    assert case["clocks"]["resolve_by"] >= before
    case = await done(lamps, case, "request-extension", reason="digging", hours=6)
    again = await post(lamps, case, "request-extension", reason="digging", hours=6)
    assert again.status_code == 409 and "request-extension" not in again.json()["allowed"]
    assert (await post(lamps, case, "grant-extension")).status_code == 403
    case = await done(operator, case, "grant-extension")
    assert (case["extension_h"], case["clocks"]["extended_h"]) == (None, 6)
    names = [event.type for event in await told(dispatch, case["id"])][3:]
    assert names == [
        *("CaseTransferred", "CaseAccepted", "CaseMadeSafe", "CaseSuspended", "CaseResumed"),
        *("ExtensionRequested", "ExtensionGranted"),
    ]


async def test_a_question_and_its_answer(dispatch: Dispatch) -> None:
    body, case = await dispatch.opened()
    handler = dispatch.handler(case["community"])
    reporter = dispatch.client("reporter", body.reporter_id)
    second = dispatch.client("reporter")
    await done(second, {"id": case["id"], "revision": None}, "join")
    assert (await post(reporter, case, "answer", note="路东")).status_code == 409
    case = await done(handler, case, "ask", note="路东还是路西？")
    question = case["question_id"]
    case = await done(reporter, case, "answer", note="路东")
    assert (question is not None, case["question_id"]) == (True, None)
    for client, seen in ((handler, True), (reporter, True), (second, False)):
        lines = (await client.get(f"/v1/cases/{case['id']}/events")).json()["events"]
        notes = [line["note"] for line in lines if line["type"].startswith("Question")]
        assert notes == (["路东还是路西？", "路东"] if seen else [None, None])


async def test_a_correction_while_nobody_has_accepted(dispatch: Dispatch) -> None:
    body, case = await dispatch.opened()
    reporter = dispatch.client("reporter", body.reporter_id)
    outside = {"lat": 39.9, "lon": 116.4}
    assert (await post(reporter, case, "correct", place=outside)).status_code == 422
    assert (await post(reporter, case, "correct", category="nonsense")).status_code == 422
    place = {"lat": FAR[0], "lon": FAR[1]}
    case = await done(reporter, case, "correct", text="两个桶", category="01037", place=place)
    assert (case["text"], case["category"]) == ("两个桶", "01037")
    assert (case["place"]["lat"], case["clocks"]["make_safe_by"] is None) == (FAR[0], False)
    rows = await dispatch.sql("select family, lat, cell from cases")
    assert (rows[0]["family"], rows[0]["lat"]) == ("street-lamps", FAR[0])
    handler = dispatch.handler(case["community"])
    case = await done(handler, case, "accept")
    late = await post(reporter, case, "correct", text="三个桶")
    assert late.status_code == 409
    case = await done(handler, case, "recategorise", category="06042")
    assert case["category"] == "06042"
    owner = case["community"]
    back = {"lat": XIAOZHAI[0], "lon": XIAOZHAI[1]}
    case = await done(handler, case, "move", place=back)
    # Who accepted stays responsible, wherever the pin goes.
    assert (case["community"], case["state"]) == (owner, "accepted")


async def test_me_too_and_a_check(dispatch: Dispatch) -> None:
    body, case = await dispatch.opened()
    other_id = str(uuid4())
    other = dispatch.client("reporter", other_id)
    joined = await post(other, {"id": case["id"], "revision": None}, "join", key="j")
    assert joined.status_code == 200, joined.text
    assert joined.json()["report_count"] == 2
    assert joined.json()["revision"] == case["revision"]
    repeat = await post(other, {"id": case["id"], "revision": None}, "join", key="j")
    assert repeat.content == joined.content
    assert (await post(other, {"id": case["id"], "revision": None}, "join")).status_code == 403
    await resolved(dispatch, case)
    checker_id = str(uuid4())
    checker = dispatch.client("reporter", checker_id)
    photo = {"fixed": True, "media": [dispatch.album.photo(checker_id)]}
    url = f"/v1/cases/{case['id']}/check"
    seen = await checker.post(url, json=photo)
    assert seen.status_code == 200, seen.text
    assert (seen.json()["state"], "text" in seen.json()) == ("resolved", False)
    assert (await checker.post(url, json=photo)).status_code == 409
    mine = {"fixed": True, "media": [dispatch.album.photo(body.reporter_id)]}
    first = dispatch.client("reporter", body.reporter_id)
    assert (await first.post(url, json=mine)).status_code == 403
    facts = [event.body for event in await told(dispatch, case["id"])]
    assert isinstance(facts[2], ReportJoined)
    assert isinstance(facts[-1], CaseChecked) and facts[-1].reporter_id == checker_id


async def test_a_suspended_reporter_neither_joins_nor_checks(dispatch: Dispatch) -> None:
    """As the latest event about them says; their own case stays theirs."""
    body, case = await dispatch.opened()
    by, other = Actor("operator", "o"), str(uuid4())
    suspended = ObserverSuspended(reporter_id=other, by=by, reason="abuse")
    reinstated = ObserverReinstated(reporter_id=other, by=by, reason="other")
    await dispatch.give(message(suspended, seq=3))
    await dispatch.give(message(reinstated, seq=2))
    client, at = dispatch.client("reporter", other), {"id": case["id"], "revision": None}
    refused = await post(client, at, "join")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/reporter-suspended")
    case = await resolved(dispatch, case)
    photo = dispatch.album.photo(other)
    assert (await post(client, at, "check", media=[photo], fixed=True)).status_code == 403
    await dispatch.give(message(reinstated, seq=4))
    assert (await post(client, at, "check", media=[photo], fixed=True)).status_code == 200
    again = ObserverSuspended(reporter_id=body.reporter_id, by=by, reason="abuse")
    await dispatch.give(message(again))
    await done(dispatch.client("reporter", body.reporter_id), case, "confirm")


async def test_merged_and_separated_again(dispatch: Dispatch) -> None:
    one, case = await dispatch.opened()
    two, into = await dispatch.opened(lat=FAR[0])
    operator = dispatch.client("operator")
    assert (await post(operator, case, "merge", into=case["id"])).status_code == 422
    assert (await post(operator, case, "merge", into=str(uuid4()))).status_code == 422
    case = await done(operator, case, "merge", into=into["id"])
    assert (case["state"], case["allowed"]) == ("merged", [])
    into = (await operator.get(f"/v1/cases/{into['id']}")).json()
    assert [each["report_id"] for each in into["reports"]] == [two.report_id, one.report_id]
    assert set((await members(dispatch)).values()) == {into["id"]}
    assert [e.type for e in await told(dispatch, into["id"])][-1] == "ReportJoined"
    first = await post(operator, into, "separate", report_id=two.report_id)
    assert first.status_code == 422
    into = await done(operator, into, "separate", report_id=one.report_id)
    assert into["report_count"] == 1
    fact = (await told(dispatch, into["id"]))[-1].body
    assert isinstance(fact, ReportSeparated)
    assert (await members(dispatch)) == {two.report_id: into["id"], one.report_id: fact.into}
    types = [event.type for event in await told(dispatch, fact.into)]
    assert types == ["CaseOpened", "CaseAssigned"]
    own: JsonObject = (
        await dispatch.client("reporter", one.reporter_id).get(f"/v1/cases/{fact.into}")
    ).json()
    assert [each["report_id"] for each in own["reports"]] == [one.report_id]


async def test_who_of_the_community_has_it(dispatch: Dispatch) -> None:
    """Taken, given, laid down; accepted is taken; another owner begins with nobody."""
    _, case = await dispatch.opened()
    home, lin, wang = case["community"], str(uuid4()), str(uuid4())
    path = f"/v1/communities/{home}/queue"
    first, second = dispatch.handler(home, lin), dispatch.handler(home, wang)

    async def queues() -> dict[str, int]:
        asked = {"lin": (first, "me"), "wang": (second, "me"), "by id": (first, wang)}
        asked["nobody"] = (first, "nobody")
        found = {}
        for name, (client, member) in asked.items():
            page = await client.get(path, params={"member": member})
            found[name] = len(page.json()["cases"])
        return found

    assert case["member"] is None
    assert await queues() == {"lin": 0, "wang": 0, "by id": 0, "nobody": 1}
    assert (await post(first, case, "assign")).status_code == 422
    taken = await done(first, case, "assign", member="me")
    assert (taken["member"], taken["state"], taken["revision"]) == (lin, "assigned", 2)
    assert await queues() == {"lin": 1, "wang": 0, "by id": 0, "nobody": 0}
    given = await done(first, taken, "assign", member=wang)
    assert await queues() == {"lin": 0, "wang": 1, "by id": 1, "nobody": 0}
    case = await done(second, given, "assign", member="nobody")
    case = await done(first, case, "accept")
    assert case["member"] == lin
    body = dispatch.client("operator")
    assert (await post(body, case, "assign", community=home)).status_code == 409
    other = dispatch.handler("610113001999")
    assert (await post(other, case, "assign", member="me")).status_code == 404
    case = await done(first, case, "transfer", reason="other-department", department="lighting")
    assert case["member"] is None


async def test_a_doubtful_proof_is_not_verified_by_time(dispatch: Dispatch) -> None:
    _, case = await dispatch.opened()
    handler_id = str(uuid4())
    handler = dispatch.handler(case["community"], handler_id)
    case = await done(handler, case, "accept")
    far = dispatch.album.photo(handler_id, place=Place(lat=FAR[0], lon=FAR[1]))
    case = await done(handler, case, "resolve", media=[far])
    assert case["proof_flags"] == ["proof-elsewhere"]
    rows = await dispatch.sql("select verify_due_at from cases")
    assert [row["verify_due_at"] for row in rows] == [None]
    case = await done(handler, case, "start")
    case = await done(handler, case, "resolve", media=[far], note="在车间拍摄")
    assert case["proof_flags"] == []
    rows = await dispatch.sql("select verify_due_at is not null as due from cases")
    assert rows[0]["due"]
    done_by = (await told(dispatch, case["id"]))[-1].body
    assert isinstance(done_by, CaseResolved) and done_by.flags == ("proof-elsewhere",)
