"""clocks_by_hand.yaml: what somebody worked out with a calendar is what the clocks say."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from msgspec.structs import replace

from cities.load import load_city
from contracts.cases import Case
from contracts.city import Category, City, Deadline, Window
from services.dispatch.domain.clocks import instant
from services.dispatch.domain.limits import (
    clocks_of,
    extended,
    reassigned,
    refitted,
    resolve_clock,
    running,
    stopped,
)
from tests.unit.cases import assigned

TABLE = yaml.load((Path(__file__).parent / "clocks_by_hand.yaml").read_text(), yaml.BaseLoader)
XIAN = load_city("xian")
SHARES = {"warn": "warn_at", "escalate": "escalate_at", "again": "escalate_again_at"}


def category(name: str, rule: dict[str, str]) -> Category:
    """One of Xi'an's with the limits of a rule of the table."""
    like = XIAN.category("06042")
    assert like is not None
    safe, hours, days = (rule.get(each) for each in ("safe", "hours", "workdays"))
    deadline = Deadline(
        accept_minutes=float(rule["accept"]),
        make_safe_hours=float(safe) if safe else None,
        resolve_hours=float(hours) if hours else None,
        resolve_workdays=int(days) if days else None,
        window=Window(7 * 60, 21 * 60) if "window" in rule else None,
        basis="estimate",
    )
    return replace(like, code=name, deadline=deadline, danger="danger" in rule)


CITY: City = replace(
    XIAN, filed_under={name: category(name, rule) for name, rule in TABLE["rules"].items()}
)


def at(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def of_category(case: Case, name: str) -> Case:
    found = CITY.category(name)
    assert found is not None
    return replace(case, category=name, dangerous=found.danger)


def after(case: Case, step: str) -> Case:
    """The case after a step as the table writes it."""
    what, _, rest = step.partition(" ")
    match what:
        case "suspend" | "resolve":
            clocks = stopped(case, at(rest), CITY)
        case "resume" | "dispute":
            clocks = running(case, at(rest), CITY)
        case "extend":
            clocks = extended(case, float(rest), CITY)
        case "assign":
            clocks = reassigned(case, at(rest), CITY)
        case "reopen":
            clocks = clocks_of(CITY, case.category, case.dangerous, at(rest))
        case "as":
            case = of_category(case, rest)
            clocks = refitted(case, CITY)
        case _:
            raise AssertionError(step)
    return replace(case, clocks=clocks)


def name_of(row: dict[str, Any]) -> str:
    return f"{row['ask']} {row['rule']} {row['opened']} {' '.join(row.get('then', ()))}"


@pytest.mark.parametrize("row", TABLE["cases"], ids=name_of)
def test_by_hand(row: dict[str, Any]) -> None:
    opened = at(row["opened"])
    case = of_category(replace(assigned(), opened_at=opened), row["rule"])
    case = replace(case, clocks=clocks_of(CITY, case.category, case.dangerous, opened))
    for step in row.get("then", ()):
        case = after(case, step)
    clocks, ask, expect = case.clocks, row["ask"], row["expect"]
    assert clocks.provisional is (row.get("provisional") == "true")
    if ask == "left":
        assert clocks.left_s == (None if expect == "none" else float(expect) * 3600)
        return
    found = {
        "accept": clocks.accept_by,
        "safe": clocks.make_safe_by,
        "resolve": clocks.resolve_by,
    } | {name: instant(resolve_clock(case, CITY), getattr(CITY, s)) for name, s in SHARES.items()}
    assert found[ask] == at(expect), row["working"]


def test_the_table_is_large_enough_and_says_its_working() -> None:
    assert len(TABLE["cases"]) >= 40
    assert all(len(row["working"]) > 5 for row in TABLE["cases"])
    assert len({name_of(row) for row in TABLE["cases"]}) == len(TABLE["cases"])
