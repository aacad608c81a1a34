"""What the cases of some days add up to, whatever changed on the way."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from services.tracking.domain.figures import Change, Figures, Sums

DAY = date(2026, 11, 30)
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def running(sign: int, due: datetime, state: str = "assigned") -> Change:
    return Change(sign, DAY, "610113002004", "06042", state, due)


def test_a_case_is_overdue_from_its_limit_on() -> None:
    figures = Figures()
    figures.add([running(1, NOW)])
    figures.pass_to(NOW)
    assert figures.total.overdue == 0
    figures.pass_to(NOW + timedelta(microseconds=1))
    assert figures.total.overdue == figures.by_day[DAY].overdue == 1


def test_a_later_limit_takes_it_back() -> None:
    figures = Figures()
    figures.add([running(1, NOW)])
    figures.pass_to(NOW + timedelta(hours=1))
    figures.add([running(-1, NOW), running(1, NOW + timedelta(hours=2))])
    figures.pass_to(NOW + timedelta(hours=1))
    assert (figures.total.cases, figures.total.overdue) == (1, 0)
    figures.pass_to(NOW + timedelta(hours=3))
    assert figures.total.overdue == 1


def test_a_clock_that_stands_is_never_overdue() -> None:
    figures = Figures()
    figures.add([running(1, NOW), running(-1, NOW), running(1, NOW, "suspended")])
    figures.pass_to(NOW + timedelta(days=1))
    assert figures.total == Sums(cases=1)


def test_the_order_of_changes_does_not_matter() -> None:
    chance = random.Random(5)
    changes: list[Change] = []
    for n in range(60):
        due = NOW + timedelta(minutes=chance.randrange(-60, 60))
        was = Change(1, DAY, f"c{n % 3}", f"k{n % 2}", "accepted", due, accept_us=n)
        now = was._replace(state="closed", resolve_us=n * 2, late=n % 5 == 0)
        changes += [was, was._replace(sign=-1), now][: 1 if n % 4 == 0 else 3]
    seen = set()
    for _ in range(10):
        chance.shuffle(changes)
        figures = Figures()
        for at in range(0, len(changes), 7):
            figures.add(changes[at : at + 7])
            figures.pass_to(NOW)
        seen.add(str((figures.total, sorted(figures.by_community.items()))))
    assert len(seen) == 1
