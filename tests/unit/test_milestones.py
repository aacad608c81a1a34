"""What a clock says by itself: each once, in order, to the right people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.cases import Case, CaseFact, CaseState
from services.dispatch.domain.limits import clocks_of, extended, reassigned
from services.dispatch.domain.milestones import ahead_again, fire, next_at
from tests.unit.cases import CITY, HOME, NOW, assigned

# A full bin at noon in Xi'an: accepted by 12:30, fixed by 16:00, warned at 15:12.
STREET, DISTRICT = HOME[:9], HOME[:6]
Said = list[tuple[str, str | None, str | None]]


def said(facts: tuple[CaseFact, ...]) -> Said:
    return [(type(f).__name__, getattr(f, "to", None), f.reason) for f in facts]


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


UNACCEPTED: Said = [
    ("CaseEscalated", STREET, "not-accepted"),
    ("CaseEscalated", DISTRICT, "not-accepted"),
]


@pytest.mark.parametrize(
    ("state", "by", "expected"),
    [
        ("assigned", 0.99, []),
        ("assigned", 1.0, UNACCEPTED[:1]),
        ("assigned", 2.5, UNACCEPTED),
        ("assigned", 4.0, [*UNACCEPTED, ("CaseWarned", None, None), ("CaseOverdue", None, None)]),
        ("accepted", 3.19, []),
        ("accepted", 3.2, [("CaseWarned", None, None)]),
        ("in-progress", 4.0, [("CaseWarned", None, None), ("CaseOverdue", None, None)]),
        (
            "in-progress",
            8.0,
            [
                ("CaseWarned", None, None),
                ("CaseOverdue", None, None),
                ("CaseEscalated", STREET, "not-resolved"),
                ("CaseEscalated", DISTRICT, "not-resolved"),
            ],
        ),
        ("resolved", 99, []),
        ("closed", 99, []),
        ("refused", 99, []),
    ],
)
def test_said_by(state: CaseState, by: float, expected: Said) -> None:
    case = replace(assigned(), state=state)
    facts = fire(case, at(by), CITY, HOME)
    assert said(facts) == expected
    assert [fact.case.seq for fact in facts] == [case.seq + 1 + n for n in range(len(facts))]
    assert {fact.case.revision for fact in facts} <= {case.revision}


def test_an_outage_changes_no_order() -> None:
    late = fire(replace(assigned(), state="accepted"), at(24), CITY, HOME)
    names = [type(fact).__name__ for fact in late]
    assert names == ["CaseWarned", "CaseOverdue", "CaseEscalated", "CaseEscalated"]
    assert late[-1].case.watchers == (STREET, DISTRICT)
    assert next_at(late[-1].case, CITY) is None


def test_not_made_safe_in_time() -> None:
    clocks = clocks_of(CITY, "01023", True, NOW)
    case = replace(assigned(), category="01023", dangerous=True, state="accepted", clocks=clocks)
    assert said(fire(case, at(1), CITY, HOME)) == [("CaseEscalated", STREET, "not-made-safe")]
    safe = replace(case, made_safe_at=at(0.5))
    assert fire(safe, at(1), CITY, HOME) == ()


def test_who_watches_already_is_not_told_again() -> None:
    case = replace(assigned(), state="accepted", watchers=(STREET,))
    assert said(fire(case, at(8), CITY, HOME))[2:] == [("CaseEscalated", DISTRICT, "not-resolved")]
    both = replace(case, watchers=(STREET, DISTRICT))
    assert len(fire(both, at(8), CITY, HOME)) == 2


def test_outside_every_community_the_city_watches() -> None:
    case = replace(assigned(), state="opened", community=None)
    assert said(fire(case, at(1), CITY, CITY.code)) == [("CaseEscalated", "610100", "not-accepted")]


def test_a_new_owner_begins_without_the_old_ones_delay() -> None:
    case = fire(assigned(), at(1), CITY, HOME)[-1].case
    handed = replace(case, clocks=reassigned(case, at(1), CITY))
    assert fire(handed, at(1), CITY, HOME) == ()
    # The street watches since the first one: the district is next.
    assert said(fire(handed, at(3.2), CITY, HOME)) == [("CaseWarned", None, None)]
    assert said(fire(handed, at(3.5), CITY, HOME))[1:] == UNACCEPTED[1:]


def test_more_time_is_warned_of_again() -> None:
    overdue = fire(replace(assigned(), state="accepted"), at(4), CITY, HOME)[-1].case
    more = replace(overdue, clocks=extended(overdue, 4, CITY))
    more = replace(more, clocks=ahead_again(more, at(4), CITY))
    assert more.clocks.told == ()
    assert next_at(more, CITY) == at(6.4)  # 80 % of 8 h


def test_nothing_is_due_while_the_clock_stands_still() -> None:
    clocks = replace(assigned().clocks, stopped_at=at(1))
    case: Case = replace(assigned(), state="suspended", clocks=clocks)
    assert next_at(case, CITY) is None


@given(st.lists(st.floats(0, 40), max_size=12).map(sorted))
def test_ticks_at_any_times_say_the_same_once(ticks: list[float]) -> None:
    case, told = replace(assigned(), state="accepted"), []
    for tick in ticks:
        due = next_at(case, CITY)
        facts = fire(case, at(tick), CITY, HOME)
        assert bool(facts) is (due is not None and due <= at(tick))
        told += said(facts)
        case = facts[-1].case if facts else case
    once = fire(replace(assigned(), state="accepted"), at(ticks[-1] if ticks else 0), CITY, HOME)
    assert told == said(once)


def test_instants_are_aware() -> None:
    due = next_at(assigned(), CITY)
    assert due is not None and due.astimezone(UTC) == due
