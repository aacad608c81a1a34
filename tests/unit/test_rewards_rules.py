"""What a case is worth to whom, and what booking does to a balance: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from cities.load import load_city
from contracts.cases import CaseChecked
from contracts.facts import SYSTEM, Fact
from contracts.observers import (
    ObserverConfirmed,
    ObserverRegistered,
    ObserverReinstated,
    ObserverSuspended,
)
from contracts.submissions import Media
from services.rewards.domain.account import Account
from services.rewards.domain.book import Book, local_month
from services.rewards.domain.dues import Due, Key, Reason, due_of_check, dues_of
from services.rewards.domain.standing import TABLE
from tests.cases import NOW, case

XIAN = load_city("xian")
ZONE = ZoneInfo(XIAN.timezone)
PHOTO = (Media(id="a", kind="photo", content_type="image/jpeg"),)

GOLDEN = [
    # state, refusal, reporters, what is due: reporter, reason, points
    ("closed", None, "a", [("a", "first-report", 10)]),
    ("closed", None, "ab", [("a", "first-report", 10), ("b", "joined-report", 1)]),
    ("closed", None, "aabab", [("a", "first-report", 10), ("b", "joined-report", 1)]),
    ("closed", None, "", []),
    ("refused", "false-report", "ab", [("a", "false-report", 0)]),
    ("refused", "nothing-there", "a", []),
    ("refused", None, "a", []),
    *((state, None, "ab", []) for state in ("opened", "assigned", "accepted", "in-progress")),
    *((state, None, "ab", []) for state in ("suspended", "resolved", "disputed", "verified")),
    *((state, None, "ab", []) for state in ("withdrawn", "merged")),
]


def test_the_golden_table() -> None:
    for state, refusal, reporters, expected in GOLDEN:
        found = dues_of(case(reporters, state=state, refusal=refusal), XIAN)
        assert [(d.reporter_id, d.reason, d.points) for d in found] == expected, state


def test_a_check_counts_for_somebody_else_with_a_photo() -> None:
    of = case("a", state="resolved", round=3)

    def due(who: str, media: tuple[Media, ...]) -> Due | None:
        fact = CaseChecked(case=of, by=SYSTEM, reporter_id=who, fixed=False, media=media)
        return due_of_check(fact, NOW, XIAN)

    found = due("b", PHOTO)
    assert found is not None
    assert (found.points, found.round, found.reason) == (2, 3, "check")
    assert (due("a", PHOTO), due("b", ())) == (None, None)


def test_the_month_is_local() -> None:
    assert local_month(datetime(2026, 10, 31, 15, 59, tzinfo=UTC), ZONE) == "2026-10"
    assert local_month(datetime(2026, 10, 31, 16, 0, tzinfo=UTC), ZONE) == "2026-11"


def book(**standing: bool | int) -> Book:
    account = replace(Account("a", confirmed=True), **standing)  # type: ignore[arg-type]
    return Book(XIAN.rewards, ZONE, NOW, accounts={"a": account})


def due(number: int, points: int, reason: Reason = "first-report") -> Due:
    return Due(f"case-{number}", "a", reason, 1, points, NOW, "report")


Steps = Sequence[tuple[int, bool]]


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans())), st.randoms())
def test_any_order_of_credits_and_reversals_counts_the_same(steps: Steps, random: object) -> None:
    """The balance is min(cap, what stands), after every step and in every order."""
    found = book()
    standing: dict[Key, int] = {}
    gone: set[Key] = set()
    for number, back in steps:
        each = due(number, 40)
        if back and each.key in standing:
            found.reverse(each.key)
            standing.pop(each.key)
            gone.add(each.key)
        elif not back:
            found.enter(each)
            if each.key not in gone:
                standing[each.key] = 40
        account = found.accounts["a"]
        assert account.balance == min(300, sum(standing.values()))
        assert account.balance == sum(entry.points for entry in found.entries)
    keys = [(entry.key, entry.reason) for entry in found.entries]
    assert len(keys) == len(set(keys))
    assert [each.seq for each in found.booked()] == list(range(1, len(found.entries) + 1))


def test_a_part_of_the_last_credit_counts() -> None:
    found = book()
    for number in range(8):
        found.enter(due(number, 40))
    assert [entry.points for entry in found.entries] == [40] * 7 + [20]
    last = found.booked()[-1].fact
    assert (last.points, last.capped, last.balance) == (20, 20, 300)  # type: ignore[attr-defined]


def test_another_month_has_room_of_its_own() -> None:
    found = book()
    found.enter(due(1, 300))
    found.enter(replace(due(2, 300), earned_at=NOW + timedelta(days=40)))
    assert found.accounts["a"].balance == 600


def test_who_cannot_earn_has_a_void_claim() -> None:
    for standing in ({"suspended": True}, {"erased": True}):
        found = book(**standing)
        found.enter(due(1, 10))
        assert [(e.step, e.points) for e in found.entries] == [("void", 0)]
        assert found.booked() == []


def test_a_confirmed_registration_of_a_flagged_observer_waits_for_the_operator() -> None:
    found = book(confirmed=False, strikes=3)
    found.enter(due(1, 10))
    found.accounts["a"] = replace(found.accounts["a"], confirmed=True)
    found.settle("a")
    (claim,) = found.claims.values()
    assert (claim.state, claim.held_for, found.accounts["a"].pending) == ("held", "review", 10)


def test_late_news_of_a_standing_changes_nothing() -> None:
    news: list[tuple[type[Fact], int]] = [
        (ObserverRegistered, 1),
        (ObserverConfirmed, 2),
        (ObserverSuspended, 3),
        (ObserverReinstated, 4),
    ]
    for order in (news, news[::-1], news[2:] + news[:2], news + news):
        account = Account("a")
        for fact, seq in order:
            account = TABLE[fact](account, seq)
        assert (account.confirmed, account.suspended) == (True, False)
