"""The golden table of states, written by hand once more, and what must hold of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cities.load import load_city
from contracts.cases import Case, CaseState
from contracts.facts import Role
from contracts.places import Place
from contracts.reports import ReportEnriched, ReportNormalised
from contracts.submissions import Media
from services.dispatch.domain.deciding import Command, Refusal, decide
from services.dispatch.domain.opening import enrich, join, open_case
from services.dispatch.domain.parties import Party
from services.dispatch.domain.states import (
    CLOSING,
    GOLDEN,
    TABLE,
    Action,
    allowed,
    row_for,
)

CITY = load_city("xian")
NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
HOME = "610113001002"
PHOTO = Media(id="p", kind="photo", content_type="image/jpeg")

REPORT = ReportNormalised(
    report_id=str(uuid4()),
    reporter_id="first",
    code="C",
    received_at=NOW,
    place=Place(lat=34.2, lon=108.9),
    cell="cell",
    category="06042",
    text="满了",
)

HAND_WRITTEN = """
opened: assigned refused withdrawn merged
assigned: accepted assigned opened refused withdrawn merged
accepted: in-progress resolved suspended assigned refused merged
in-progress: resolved suspended assigned refused merged
suspended: in-progress assigned refused
resolved: verified disputed in-progress
disputed: in-progress verified
verified: closed
closed: assigned
refused: assigned
withdrawn:
merged:
"""

# action, from, who -> to; whatever is not here is refused.
MOVES: dict[tuple[str, str, str], str] = {
    ("assign", "opened", "operator"): "assigned",
    ("accept", "assigned", "owner"): "accepted",
    ("start", "accepted", "owner"): "in-progress",
    ("start", "resolved", "owner"): "in-progress",
    ("start", "disputed", "owner"): "in-progress",
    ("resolve", "accepted", "owner"): "resolved",
    ("resolve", "in-progress", "owner"): "resolved",
    ("verify", "resolved", "operator"): "closed",
    ("verify", "disputed", "operator"): "closed",
    ("verify-by-time", "resolved", "system"): "closed",
    ("confirm", "resolved", "first"): "closed",
    ("dispute", "resolved", "first"): "disputed",
    ("return", "assigned", "owner"): "opened",
    ("return", "accepted", "owner"): "opened",
    ("return", "in-progress", "owner"): "opened",
    ("return", "suspended", "owner"): "opened",
    ("refuse", "opened", "operator"): "refused",
    ("refuse", "assigned", "operator"): "refused",
    ("refuse", "accepted", "operator"): "refused",
    ("refuse", "in-progress", "operator"): "refused",
    ("refuse", "suspended", "operator"): "refused",
    ("refuse", "assigned", "owner"): "refused",
    ("refuse", "accepted", "owner"): "refused",
    ("refuse", "in-progress", "owner"): "refused",
    ("refuse", "suspended", "owner"): "refused",
    ("withdraw", "opened", "first"): "withdrawn",
    ("withdraw", "assigned", "first"): "withdrawn",
    ("reopen", "closed", "first"): "assigned",
    ("reopen", "closed", "operator"): "assigned",
    ("reopen", "refused", "operator"): "assigned",
} | {
    ("comment", state, who): state
    for state in get_args(CaseState)
    for who in ("owner", "operator", "first")
    if state not in ("verified", "withdrawn", "merged") and (state, who) != ("opened", "owner")
}

PARTIES = {
    "owner": Party("handler", "h", frozenset({HOME})),
    "operator": Party("operator", "o"),
    "first": Party("reporter", "first"),
    "stranger": Party("reporter", "stranger"),
    "neighbour": Party("handler", "n", frozenset({"610113001003"})),
    "system": Party("system", "system"),
}


def case_in(state: CaseState) -> Case:
    """A case that is in that state for long enough."""
    case = open_case(REPORT, cell="cell", community=HOME, now=NOW, city=CITY)[-1].case
    community = None if state == "opened" else HOME
    return replace(case, state=state, community=community, resolved_at=NOW, closed_at=NOW)


def command(action: Action, party: Party) -> Command:
    reasons = {"refuse": "nothing-there", "return": "other-area"}
    return Command(
        action,
        party,
        reason=reasons.get(action),
        note="n",
        media=(PHOTO,),
        community=HOME if action == "assign" else None,
    )


def test_the_golden_table_is_the_contracts() -> None:
    lines = [line.split(":") for line in HAND_WRITTEN.strip().splitlines()]
    assert {state: tuple(to.split()) for state, to in lines} == GOLDEN


def test_every_step_of_every_row_is_golden() -> None:
    for row in TABLE:
        for state in row.froms:
            at = state
            for step in row.steps:
                for to in (step.through, step.to):
                    if to is not None:
                        assert to in GOLDEN[at], (row.action, at, to)
                        at = to


@pytest.mark.parametrize("action", get_args(Action))
@pytest.mark.parametrize("who", PARTIES)
def test_moves(action: Action, who: str) -> None:
    later = NOW + timedelta(hours=CITY.verify_after_h)
    for state in get_args(CaseState):
        case = case_in(state)
        decided = decide(case, command(action, PARTIES[who]), later, CITY)
        expected = MOVES.get((action, state, who))
        if expected is None:
            assert isinstance(decided, Refusal), (action, state, who)
        else:
            assert not isinstance(decided, Refusal), (action, state, who)
            assert decided[-1].case.state == expected


def test_ends_are_ends() -> None:
    for state in ("withdrawn", "merged"):
        for party in PARTIES.values():
            assert allowed(case_in(state), party, NOW, CITY) == ()


def test_every_state_but_later_ones_is_reached() -> None:
    reached = {"opened", "verified"} | {to for (_, _, _), to in MOVES.items()}
    assert set(get_args(CaseState)) - reached <= {"suspended", "merged"}


def test_what_closes_takes_the_locks_of_duplicates() -> None:
    ending = {"verify", "verify-by-time", "confirm", "refuse", "withdraw", "reopen"}
    assert ending == CLOSING


def test_confirmed_verified_closed() -> None:
    case = case_in("resolved")
    decided = decide(case, command("confirm", PARTIES["first"]), NOW, CITY)
    assert not isinstance(decided, Refusal)
    names = [type(fact).__name__ for fact in decided]
    assert names == ["CaseConfirmed", "CaseVerified", "CaseClosed"]
    assert [fact.case.seq - case.seq for fact in decided] == [1, 2, 3]
    assert [fact.case.revision - case.revision for fact in decided] == [0, 1, 2]
    assert decided[-1].case.closed_at == NOW


def test_reopened_once_and_in_time() -> None:
    closed, first = case_in("closed"), PARTIES["first"]
    within = NOW + timedelta(days=CITY.reopen_within_days)
    decided = decide(closed, command("reopen", first), within, CITY)
    assert not isinstance(decided, Refusal)
    after = decided[0].case
    assert (after.round, after.closed_at, after.resolved_at) == (2, None, None)
    assert after.clocks.accept_by > closed.clocks.accept_by
    late = decide(closed, command("reopen", first), within + timedelta(seconds=1), CITY)
    again = decide(replace(closed, round=2), command("reopen", first), NOW, CITY)
    assert isinstance(late, Refusal) and isinstance(again, Refusal)
    assert "reopen" not in late.allowed + again.allowed


def test_disputed_once() -> None:
    case = replace(case_in("resolved"), disputed_once=True)
    assert isinstance(decide(case, command("dispute", PARTIES["first"]), NOW, CITY), Refusal)


def test_not_verified_by_time_before_the_time() -> None:
    early = NOW + timedelta(hours=CITY.verify_after_h) - timedelta(seconds=1)
    system = command("verify-by-time", PARTIES["system"])
    assert isinstance(decide(case_in("resolved"), system, early, CITY), Refusal)


def test_refusals_say_why() -> None:
    case, owner = case_in("assigned"), PARTIES["owner"]
    stale = decide(case, Command("accept", owner, revision=1), NOW, CITY)
    assert isinstance(stale, Refusal) and stale.why == "revision"
    assert "accept" in stale.allowed
    role = decide(case, command("accept", PARTIES["first"]), NOW, CITY)
    assert isinstance(role, Refusal) and role.why == "role"
    for wrong in (None, "because", "beyond-the-city"):
        field = decide(case, Command("refuse", owner, reason=wrong), NOW, CITY)
        assert isinstance(field, Refusal) and field.field == "reason"
    bare = decide(case_in("accepted"), Command("resolve", owner), NOW, CITY)
    assert isinstance(bare, Refusal) and bare.field == "media"


def test_joining_raises_seq_only() -> None:
    case = case_in("accepted")
    other = replace_report(reporter_id="second", dangerous=True)
    after = join(case, other, distance_m=3.21, now=NOW, city=CITY).case
    assert (after.seq, after.revision) == (case.seq + 1, case.revision)
    assert [each.reporter_id for each in after.reports] == ["first", "second"]
    assert after.dangerous and after.state == "accepted"
    assert "withdraw" not in allowed(replace(after, state="assigned"), PARTIES["first"], NOW, CITY)


def test_late_news_twice_changes_nothing_the_second_time() -> None:
    case = case_in("assigned")
    late = ReportEnriched(
        report_id=REPORT.report_id, reporter_id="first", cell="c", text="新的", media=(PHOTO,)
    )
    first = enrich(case, late, had=(), now=NOW, city=CITY)
    assert first is not None and first.case.revision == case.revision
    assert first.case.media == (PHOTO,)
    assert enrich(first.case, late, had=("p",), now=NOW, city=CITY) is None


def replace_report(**changes: object) -> ReportNormalised:
    return replace(REPORT, report_id=str(uuid4()), **changes)


@given(st.lists(st.tuples(st.sampled_from(get_args(Action)), st.sampled_from(sorted(PARTIES)))))
def test_any_sequence_keeps_to_the_table(steps: list[tuple[Action, str]]) -> None:
    case = open_case(REPORT, cell="cell", community=HOME, now=NOW, city=CITY)[-1].case
    now = NOW
    for action, who in steps:
        now += timedelta(hours=1)
        may = row_for(case, action, PARTIES[who], now, CITY)
        decided = decide(case, command(action, PARTIES[who]), now, CITY)
        if isinstance(decided, Refusal):
            assert decided.why in ("role", "field") or may is None
            assert decided.allowed == allowed(case, PARTIES[who], now, CITY)
            continue
        assert may is not None
        for fact in decided:
            assert fact.case.seq == case.seq + 1
            moved = fact.case.state != case.state
            assert fact.case.revision == case.revision + moved
            assert fact.case.reports == case.reports
            case = fact.case


def test_roles_are_the_contracts() -> None:
    assert {party.role for party in PARTIES.values()} <= set(get_args(Role))
