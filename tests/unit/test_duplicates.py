"""Which case a report joins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from contracts.cases import CaseState
from contracts.city import DuplicateRule
from services.dispatch.domain.duplicates import (
    JOINABLE,
    Candidate,
    Match,
    Sighting,
    compare,
)

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
LAT, LON = 34.2610, 108.9424
METRE_LAT = 1 / 111_195.08
RULE = DuplicateRule("covers", 30, 72)
SEEN = Sighting(LAT, LON, "covers", NOW)


def case(
    name: str = "a",
    north_m: float = 10,
    age_h: float = 1,
    family: str = "covers",
    state: CaseState = "assigned",
    opened_h: float | None = None,
) -> Candidate:
    return Candidate(
        id=name,
        family=family,
        lat=LAT + north_m * METRE_LAT,
        lon=LON,
        state=state,
        opened_at=NOW - timedelta(hours=age_h if opened_h is None else opened_h),
        active_at=NOW - timedelta(hours=age_h),
    )


def find_duplicate(
    sighting: Sighting, candidates: list[Candidate], rule: DuplicateRule
) -> Match | None:
    """The one that is joined."""
    return next((each for each in compare(sighting, candidates, rule) if each.joins), None)


def joined(*candidates: Candidate, rule: DuplicateRule = RULE) -> str | None:
    match = find_duplicate(SEEN, list(candidates), rule)
    return None if match is None else match.case.id


def test_near_recent_and_of_the_same_family() -> None:
    match = find_duplicate(SEEN, [case(north_m=12)], RULE)
    assert match is not None
    assert match.distance_m == pytest.approx(12, abs=0.01)


def test_nothing_there() -> None:
    assert joined() is None


@pytest.mark.parametrize(("north_m", "found"), [(29.99, "a"), (30.01, None), (-29.99, "a")])
def test_the_distance(north_m: float, found: str | None) -> None:
    assert joined(case(north_m=north_m)) == found


@pytest.mark.parametrize(("age_h", "found"), [(72, "a"), (72.001, None), (-72, "a"), (-73, None)])
def test_the_window_reaches_both_ways(age_h: float, found: str | None) -> None:
    assert joined(case(age_h=age_h)) == found


def test_a_joined_report_keeps_an_old_case_young() -> None:
    assert joined(case(age_h=5, opened_h=500)) == "a"


def test_another_family_is_another_matter() -> None:
    assert joined(case(family="bins")) is None


@pytest.mark.parametrize("state", get_args(CaseState))
def test_only_a_case_that_somebody_works_on(state: CaseState) -> None:
    over = {"resolved", "verified", "closed", "refused", "withdrawn", "merged"}
    assert joined(case(state=state)) == (None if state in over else "a")
    assert (state in JOINABLE) is (state not in over)


def test_nearest_then_oldest_then_lowest_id() -> None:
    far, near = case("far", 20, age_h=50), case("near", 5, age_h=1)
    assert joined(far, near) == joined(near, far) == "near"
    young, old = case("a", 5, age_h=1), case("b", 5, age_h=9)
    assert joined(young, old) == joined(old, young) == "b"
    assert joined(case("b", 5), case("a", 5)) == "a"


def test_a_rule_of_no_metres_never_joins() -> None:
    assert joined(case(north_m=0), rule=DuplicateRule("covers", 0, 72)) is None


WIDE = DuplicateRule("covers", 30, 72, suggest_m=75)


def outcome(
    rule: DuplicateRule = WIDE,
    north_m: float = 10,
    said: tuple[str | None, str | None] = (None, None),
    accuracy_m: float | None = None,
    photographed: str | None = None,
) -> str:
    """What becomes of a report so far north of a case: "joined", "suggested" or "new"."""
    there = replace(case(north_m=north_m), text=said[0], accuracy_m=accuracy_m)
    seen = replace(SEEN, text=said[1], accuracy_m=accuracy_m)
    matches = compare(seen, [there], rule, frozenset(), photographed)
    if not matches:
        return "new"
    return "joined" if matches[0].joins else "suggested"


SAME, OTHER = ("灯杆编号30412", "编号30412不亮"), ("灯杆编号30412", "编号30413不亮")
NAMED = ("罗马市场门口", "罗马市场里面")


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ("joined", {"north_m": 29.9}),
        ("suggested", {"north_m": 30.1}),
        ("suggested", {"north_m": 45}),
        ("new", {"north_m": 60}),
        ("joined", {"north_m": 45, "said": SAME}),
        ("suggested", {"north_m": 5, "said": OTHER}),
        ("new", {"north_m": 29, "said": OTHER}),
        ("joined", {"north_m": 35, "said": NAMED}),
        ("suggested", {"north_m": 35, "said": NAMED, "rule": replace(WIDE, in_rows=True)}),
        ("joined", {"north_m": 55, "photographed": "a"}),
        ("new", {"north_m": 55, "photographed": "another"}),
        ("new", {"north_m": 76, "photographed": "a"}),
        ("joined", {"north_m": 33, "accuracy_m": 30}),
        ("joined", {"north_m": 29.9, "accuracy_m": 3}),
        ("joined", {"north_m": 29.9, "accuracy_m": 50}),
        ("suggested", {"north_m": 70, "accuracy_m": 50}),
        ("new", {"north_m": 0, "rule": DuplicateRule("covers", 0, 72, suggest_m=75)}),
    ],
)
def test_further_evidence(expected: str, given: dict[str, Any]) -> None:
    assert outcome(**given) == expected


def test_what_two_share_is_said() -> None:
    there = replace(case(north_m=50), text=SAME[0])
    seen = replace(SEEN, text=SAME[1])
    assert compare(seen, [there], WIDE, frozenset(), "a")[0].same_by == ("words", "photo")
