"""The golden table of states, written by hand once more, and what must hold of it."""

from __future__ import annotations

import itertools
from dataclasses import replace as replace_command
from datetime import datetime, timedelta
from random import Random
from typing import Any, get_args
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.cases import (
    Alternative,
    Case,
    CaseAssigned,
    CaseFact,
    CaseReopened,
    CaseReport,
    CaseState,
    CaseTransferred,
)
from contracts.facts import Role
from contracts.places import Place
from contracts.reports import ReportEnriched, ReportNormalised
from contracts.submissions import Media
from services.dispatch.domain.command import Command, NewPlace, Refusal
from services.dispatch.domain.deciding import decide
from services.dispatch.domain.opening import enrich, join
from services.dispatch.domain.parties import Party
from services.dispatch.domain.permitting import allowed, row_for
from services.dispatch.domain.proof import Shot
from services.dispatch.domain.states import CLOSING, GOLDEN, TABLE, Action
from tests.unit.cases import CITY, HOME, NOW, REPORT, assigned

PHOTO = Media(id="p", kind="photo", content_type="image/jpeg")
ELSEWHERE = NewPlace(Place(lat=34.3, lon=108.95, source="answer"), "other", "610113001003")

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
MOVES: dict[tuple[str, str, str], str] = (
    {
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
        ("suspend", "accepted", "owner"): "suspended",
        ("suspend", "in-progress", "owner"): "suspended",
        ("resume", "suspended", "owner"): "in-progress",
        ("resume", "suspended", "operator"): "in-progress",
        ("merge", "opened", "operator"): "merged",
        ("merge", "assigned", "operator"): "merged",
        ("merge", "accepted", "operator"): "merged",
        ("merge", "in-progress", "operator"): "merged",
        ("correct", "opened", "first"): "assigned",
        ("correct", "assigned", "first"): "assigned",
        ("move", "opened", "operator"): "assigned",
        ("move", "assigned", "operator"): "assigned",
        ("move", "assigned", "owner"): "assigned",
        ("check", "resolved", "stranger"): "resolved",
    }
    | {
        ("assign", state, "owner"): state
        for state in ("assigned", "accepted", "in-progress", "suspended", "disputed")
    }
    | {
        ("comment", state, who): state
        for state in get_args(CaseState)
        for who in ("owner", "operator", "first", "street")
        if state not in ("verified", "withdrawn", "merged") and (state, who) != ("opened", "owner")
    }
)
WORKED = ("accepted", "in-progress", "suspended")
for state in WORKED:
    MOVES |= {
        ("made-safe", state, "owner"): state,
        ("request-extension", state, "owner"): state,
        ("grant-extension", state, "operator"): state,
        ("deny-extension", state, "operator"): state,
    }
for state in ("assigned", *WORKED):
    MOVES |= {("transfer", state, who): "assigned" for who in ("owner", "operator")}
for state in (*WORKED, "disputed"):
    MOVES |= {("move", state, who): state for who in ("owner", "operator")}
for state in ("opened", "assigned", *WORKED, "disputed"):
    MOVES |= {
        ("ask", state, "operator"): state,
        ("recategorise", state, "operator"): state,
        ("answer", state, "first"): state,
        ("join", state, "stranger"): state,
        ("separate", state, "operator"): state,
    }
    if state != "opened":
        MOVES |= {(action, state, "owner"): state for action in ("ask", "recategorise")}

PARTIES = {
    "owner": Party("handler", "h", frozenset({HOME})),
    "operator": Party("operator", "o"),
    "first": Party("reporter", "first"),
    "stranger": Party("reporter", "stranger"),
    "neighbour": Party("handler", "n", frozenset({"610113001003"})),
    "system": Party("system", "system"),
    "street": Party("handler", "s", frozenset({"610113001"})),
}
JOINED = CaseReport(report_id=str(uuid4()), reporter_id="second", joined_at=NOW)
OTHER = replace(assigned(), id=str(uuid4()))
ASKS: dict[str, dict[str, Any]] = {
    "answer": {"question_id": "q"},
    "request-extension": {"extension_h": None},
}
"""What the case must be like for an action, beside its state."""


def case_in(state: CaseState) -> Case:
    """A case that is in that state for long enough, watched by a street, asked for more time."""
    return replace(
        assigned(),
        state=state,
        community=None if state == "opened" else HOME,
        resolved_at=NOW,
        closed_at=NOW,
        watchers=("610113001",),
        extension_h=4,
    )


def prepared(action: Action, state: CaseState) -> Case:
    """In that state, and such as the action wants it."""
    case = replace(case_in(state), **ASKS.get(action, {}))
    if action == "separate":
        return replace(case, reports=(*case.reports, JOINED))
    return case


def command(action: Action, party: Party) -> Command:
    more: dict[str, Any] = {
        "refuse": {"reason": "nothing-there"},
        "return": {"reason": "other-area"},
        "assign": {"community": HOME, "member": "me"},
        "transfer": {"reason": "other-department", "department": "lighting"},
        "suspend": {"reason": "weather"},
        "request-extension": {"reason": "digging", "hours": 8},
        "correct": {"text": "桶倒了", "category": "01037", "moved": ELSEWHERE},
        "recategorise": {"category": "01037"},
        "move": {"moved": ELSEWHERE},
        "merge": {"into": OTHER},
        "separate": {"report_id": JOINED.report_id},
    }
    return Command(action, party, note="n", shots=(Shot(PHOTO),), **more.get(action, {}))


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
        case = prepared(action, state)
        decided = decide(case, command(action, PARTIES[who]), later, CITY)
        expected = MOVES.get((action, state, who))
        if expected is None:
            assert isinstance(decided, Refusal), (action, state, who)
        else:
            assert not isinstance(decided, Refusal), (action, state, who)
            own = [fact.case for fact in decided if fact.case.id == case.id]
            assert own[-1].state == expected


def test_ends_are_ends() -> None:
    for state in ("withdrawn", "merged"):
        for party in PARTIES.values():
            assert allowed(case_in(state), party, NOW, CITY) == ()


def test_every_state_is_reached_from_the_first() -> None:
    reached, new = set(), {"opened"}
    while new:
        reached |= new
        new = {to for (_, state, _), to in MOVES.items() if state in reached} - reached
    # On the way to closed in one transaction.
    assert set(get_args(CaseState)) - reached == {"verified"}


def test_what_closes_takes_the_locks_of_duplicates() -> None:
    ending = {"verify", "verify-by-time", "confirm", "refuse", "withdraw", "reopen"}
    assert ending | {"move", "correct", "recategorise", "join", "merge", "separate"} == CLOSING


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


Steps = list[tuple[Action, str]]
sequences = st.lists(st.tuples(st.sampled_from(get_args(Action)), st.sampled_from(sorted(PARTIES))))


def lived(steps: Steps) -> tuple[Case, list[CaseFact]]:
    """A case after these attempts, an hour apart, and the facts of it that left."""
    case, facts, now = assigned(), [], NOW
    for action, who in steps:
        now += timedelta(hours=1)
        decided = decide(case, command(action, PARTIES[who]), now, CITY)
        if not isinstance(decided, Refusal):
            own = [fact for fact in decided if fact.case.id == case.id]
            facts += own
            case = own[-1].case
    return case, facts


@given(sequences)
def test_any_sequence_keeps_to_the_table(steps: Steps) -> None:
    case = assigned()
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
            if fact.case.id != case.id:
                continue
            assert fact.case.seq == case.seq + 1
            moved = fact.case.state != case.state or fact.case.category != case.category
            owner = (case.community, case.department)
            handed = (fact.case.community, fact.case.department) != owner
            again = isinstance(fact, CaseTransferred | CaseReopened)
            assert fact.case.revision == case.revision + (moved or handed or again)
            case = fact.case


@given(sequences)
def test_a_replay_gives_the_same(steps: Steps) -> None:
    assert lived(steps) == lived(steps)


@given(sequences, sequences)
def test_what_ended_stays_ended(before: Steps, after: Steps) -> None:
    case, _ = lived(before)
    if case.state in ("withdrawn", "merged"):
        for action, who in after:
            assert isinstance(decide(case, command(action, PARTIES[who]), NOW, CITY), Refusal)


@given(sequences)
def test_the_same_command_with_its_revision_works_once(steps: Steps) -> None:
    case, _ = lived(steps)
    now = NOW + timedelta(days=30)
    for action, party in itertools.product(get_args(Action), PARTIES.values()):
        wanted = replace_command(command(action, party), revision=case.revision)
        decided = decide(case, wanted, now, CITY)
        if isinstance(decided, Refusal):
            continue
        own = [fact for fact in decided if fact.case.id == case.id]
        if own[-1].case.revision != case.revision:
            again = decide(own[-1].case, wanted, now, CITY)
            assert isinstance(again, Refusal) and again.why in ("revision", "role")


@given(sequences, st.randoms(use_true_random=False))
def test_facts_in_any_order_and_twice_converge(steps: Steps, random: Random) -> None:
    case, facts = lived(steps)
    delivered = facts * 2
    random.shuffle(delivered)
    seen = assigned()
    for fact in delivered:
        if fact.case.seq > seen.seq:
            seen = fact.case
    assert seen == case


def test_a_suspension_stores_what_was_left_and_gives_it_back() -> None:
    case = case_in("in-progress")  # at noon in Xi'an; 4 h for a bin
    suspended = case_after(case, "suspend", "owner", NOW + timedelta(hours=1))
    assert suspended.clocks.suspended_at == suspended.clocks.stopped_at
    assert suspended.clocks.left_s == 3 * 3600
    resumed = case_after(suspended, "resume", "owner", NOW + timedelta(hours=2))
    assert (resumed.state, resumed.clocks.left_s) == ("in-progress", None)
    assert resumed.clocks.resolve_by == NOW + timedelta(hours=5)


def test_more_time_is_asked_once_and_given() -> None:
    case = replace(case_in("accepted"), extension_h=None)
    asked = case_after(case, "request-extension", "owner", NOW)
    assert asked.extension_h == 8 and asked.clocks == case.clocks
    assert isinstance(
        decide(asked, command("request-extension", PARTIES["owner"]), NOW, CITY), Refusal
    )
    granted = case_after(replace(asked, extension_h=1), "grant-extension", "operator", NOW)
    assert granted.extension_h is None
    assert granted.clocks.resolve_by == case.clocks.resolve_by + timedelta(hours=1)
    denied = case_after(asked, "deny-extension", "operator", NOW)
    assert (denied.extension_h, denied.clocks) == (None, case.clocks)


def test_a_transfer_gives_a_new_owner_time_to_accept() -> None:
    later = NOW + timedelta(hours=2)
    after = case_after(case_in("accepted"), "transfer", "owner", later)
    assert (after.community, after.department) == (None, "lighting")
    assert after.clocks.accept_by == later + timedelta(minutes=30)
    assert after.clocks.resolve_by == case_in("accepted").clocks.resolve_by
    assert allowed(after, PARTIES["owner"], NOW, CITY) == ()


def test_a_correction_says_only_what_is_new() -> None:
    case, first = case_in("assigned"), PARTIES["first"]
    decided = decide(case, command("correct", first), NOW, CITY)
    assert not isinstance(decided, Refusal)
    names = [type(fact).__name__ for fact in decided]
    assert names == ["CaseEnriched", "CaseRecategorised", "CaseMoved", "CaseAssigned"]
    after = decided[-1].case
    assert (after.text, after.category, after.cell) == ("桶倒了", "01037", "other")
    assert (after.community, after.family) == ("610113001003", "street-lamps")
    assert after.dangerous and after.clocks.make_safe_by is not None
    nothing = decide(case, Command("correct", first, text=case.text), NOW, CITY)
    assert isinstance(nothing, Refusal) and nothing.why == "field"


def test_a_specialists_category_finds_the_specialist_until_somebody_accepts() -> None:
    case = replace(case_in("assigned"), alternatives=())
    home, watchers = case.community, case.watchers
    said = Command("recategorise", PARTIES["owner"], category="02014")
    decided = decide(case, said, NOW, CITY)
    assert not isinstance(decided, Refusal)
    assert [type(fact).__name__ for fact in decided] == ["CaseRecategorised", "CaseAssigned"]
    assigned = decided[1]
    assert isinstance(assigned, CaseAssigned)
    assert (assigned.reason, assigned.previous, assigned.city) == (
        "specialist", home, CITY.version,
    )  # fmt: skip
    after = assigned.case
    assert (after.state, after.department, after.community) == ("assigned", "traffic-police", None)
    assert (after.watchers, after.alternatives) == (
        (*watchers, home), (Alternative(community=home, reason="area"),),
    )  # fmt: skip
    back = replace(after, category="06042")
    again = decide(back, replace_command(said, party=PARTIES["operator"]), NOW, CITY)
    assert not isinstance(again, Refusal) and len(again) == 1, "it has the case already"
    given_back = replace(after, department=None, community=home)
    text = Command("correct", PARTIES["first"], text="红灯不亮", category="02014")
    told = decide(given_back, text, NOW, CITY)
    assert not isinstance(told, Refusal)
    assert [type(fact).__name__ for fact in told] == ["CaseEnriched"], "the category is no news"
    begun = decide(case_in("accepted"), said, NOW, CITY)
    assert not isinstance(begun, Refusal) and len(begun) == 1, "who accepted hands over"


def test_a_merge_feeds_the_other_case() -> None:
    case = replace(case_in("assigned"), reports=(*case_in("assigned").reports, JOINED))
    into = replace(OTHER, reports=(replace(JOINED, report_id="x", reporter_id="third"),))
    merged = decide(case, Command("merge", PARTIES["operator"], into=into), NOW, CITY)
    assert not isinstance(merged, Refusal)
    assert [type(fact).__name__ for fact in merged] == ["CaseMerged", *["ReportJoined"] * 2]
    assert (merged[0].case.state, len(merged[0].case.reports)) == ("merged", 2)
    assert [e.reporter_id for e in merged[-1].case.reports] == ["third", "first", "second"]
    assert [fact.case.seq - into.seq for fact in merged[1:]] == [1, 2]
    over = replace(into, state="closed")
    assert isinstance(
        decide(case, Command("merge", PARTIES["operator"], into=over), NOW, CITY), Refusal
    )


def test_a_separated_report_opens_a_case_of_its_own() -> None:
    photo = replace(PHOTO, id="theirs")
    case = case_in("accepted")
    joined = replace(JOINED, media=("theirs",))
    case = replace(case, reports=(*case.reports, joined), media=(PHOTO, photo))
    parted = decide(case, command("separate", PARTIES["operator"]), NOW, CITY)
    assert not isinstance(parted, Refusal)
    kept, opened, owned = parted
    assert (len(kept.case.reports), kept.case.media) == (1, (PHOTO,))
    assert kept.into == opened.case.id  # type: ignore[attr-defined]
    assert (owned.case.state, owned.case.community, owned.case.media) == (
        "assigned",
        HOME,
        (photo,),
    )
    assert [e.reporter_id for e in owned.case.reports] == ["second"]
    first = decide(
        case,
        Command("separate", PARTIES["operator"], report_id=case.reports[0].report_id),
        NOW,
        CITY,
    )
    assert isinstance(first, Refusal) and first.field == "report_id"


def case_after(case: Case, action: Action, who: str, now: datetime) -> Case:
    decided = decide(case, command(action, PARTIES[who]), now, CITY)
    assert not isinstance(decided, Refusal), decided
    return decided[-1].case


def test_roles_are_the_contracts() -> None:
    assert {party.role for party in PARTIES.values()} <= set(get_args(Role))
