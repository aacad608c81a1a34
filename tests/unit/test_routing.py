"""Who gets a case: by the place, by the category, and next when it is given back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from cities.areas import load_areas
from cities.folder import city_folder
from cities.load import CityError, load_city
from contracts.cases import Alternative, CaseAssigned, CaseReturned
from contracts.city import Routing, Surroundings
from services.dispatch.domain.deciding import Command, decide
from services.dispatch.domain.opening import open_case
from services.dispatch.domain.parties import Party, relations
from services.dispatch.domain.routing import owners
from tests.unit.cases import CITY, HOME, NOW, REPORT

RULES = Routing(
    border_m=30,
    nearest_m=300,
    last_resort=("street", "district"),
    specialists={"02014": "traffic-police"},
)
NEXT_DOOR = "610113001003"
INSIDE = Surroundings(community=HOME, near=(NEXT_DOOR,))
GAP = Surroundings(street="610113001", district="610113")


def who(where: Surroundings, category: str | None = "06042") -> list[tuple[str | None, str]]:
    return [
        (each.community or each.department, each.reason) for each in owners(where, category, RULES)
    ]


def test_the_community_and_its_neighbour() -> None:
    assert who(INSIDE) == [(HOME, "area"), (NEXT_DOOR, "near-border")]
    assert who(Surroundings(community=HOME)) == [(HOME, "area")]


def test_a_specialist_first() -> None:
    expected = [("traffic-police", "specialist"), (HOME, "area"), (NEXT_DOOR, "near-border")]
    assert who(INSIDE, "02014") == expected


def test_where_no_community_is() -> None:
    near = replace(GAP, near=(HOME, NEXT_DOOR))
    assert who(near) == [(HOME, "nearest-community"), (NEXT_DOOR, "nearest-community")]
    assert who(GAP) == [("610113001", "no-community-street"), ("610113", "no-community-district")]
    assert who(replace(GAP, street=None)) == [("610113", "no-community-district")]
    assert who(Surroundings()) == []
    assert owners(GAP, None, Routing()) == (), "a city without the file"


HANDLER = Party("handler", "h", communities=frozenset({HOME}))
NEIGHBOUR = Party("handler", "n", communities=frozenset({NEXT_DOOR}))


def returned(case: object, by: Party) -> tuple[object, ...]:
    facts = decide(case, Command("return", by, reason="other-area"), NOW, CITY)  # type: ignore[arg-type]
    assert isinstance(facts, tuple), facts
    return facts


def test_given_back_to_the_next_and_then_to_the_operator() -> None:
    three = [Alternative(community=code, reason="near-border") for code in (HOME, NEXT_DOOR, "x")]
    case = open_case(REPORT, cell="c", owners=three, now=NOW, city=CITY)[-1].case
    first = returned(case, HANDLER)
    assert [type(each) for each in first] == [CaseReturned, CaseAssigned]
    assert [each.reason for each in first] == ["other-area", "near-border"]  # type: ignore[attr-defined]
    case = first[-1].case  # type: ignore[attr-defined]
    assert (case.community, case.state, case.returns) == (NEXT_DOOR, "assigned", 1)
    second = returned(case, NEIGHBOUR)
    assert [type(each) for each in second] == [CaseReturned], "though one is left to ask"
    case = second[-1].case  # type: ignore[attr-defined]
    assert (case.community, case.state, case.returns) == (None, "opened", 2)


def test_who_accepted_stays_responsible_until_another_has() -> None:
    two = [Alternative(community=code, reason="near-border") for code in (HOME, NEXT_DOOR)]
    case = open_case(REPORT, cell="c", owners=two, now=NOW, city=CITY)[-1].case
    accepted = decide(case, Command("accept", HANDLER), NOW, CITY)
    assert isinstance(accepted, tuple)
    case = returned(accepted[-1].case, HANDLER)[-1].case  # type: ignore[attr-defined]
    assert (case.community, case.responsible) == (NEXT_DOOR, HOME)
    assert relations(case, HANDLER) == {"watcher"}
    accepted = decide(case, Command("accept", NEIGHBOUR), NOW, CITY)
    assert isinstance(accepted, tuple)
    case = accepted[-1].case
    assert case.responsible == NEXT_DOOR and relations(case, HANDLER) == frozenset()


def test_the_community_of_a_departments_case_watches_it() -> None:
    found = owners(INSIDE, "02014", RULES)
    assigned = open_case(REPORT, cell="c", owners=found, now=NOW, city=CITY)[-1]
    assert isinstance(assigned, CaseAssigned)
    assert (assigned.reason, assigned.city) == ("specialist", CITY.version)
    case = assigned.case
    assert (case.department, case.community, case.watchers) == ("traffic-police", None, (HOME,))
    assert relations(case, HANDLER) == {"watcher"}


def test_surroundings_in_metres() -> None:
    """Xi'an: some 25 m from a border; the same place asked for less; nowhere."""
    areas = load_areas("xian")
    here, middle = (34.2245, 108.9470), (34.2345, 108.9470)
    near, closer = areas.surroundings([here], 30, 0)[0], areas.surroundings([here], 5, 0)[0]
    own = areas.community_at(*here)
    assert own is not None and near.community == closer.community == own.code
    assert len(near.near) == 1 and closer.near == ()
    outside = Surroundings()
    assert areas.surroundings([(31.0, 121.0), (float("nan"), 0.0), middle], 30, 300) == [
        outside,
        outside,
        Surroundings(community=areas.surroundings([middle], 0, 0)[0].community),
    ]
    assert areas.surroundings([], 30, 300) == []


@pytest.mark.parametrize(
    ("line", "instead", "reason"),
    [
        ("border_m: 30", "border_m: -1", "routing.yaml:3"),
        ("department: traffic-police", "department: nobody", "there is no department nobody"),
        ("'02010'", "'77777'", "77777 is no category"),
        (
            "categories: ['02014', '02010']",
            "categories: ['02014']\n- {department: power, categories: ['02014']}",
            "02014 goes to traffic-police already",
        ),
        ("most_returns", "most_return", "most_return"),
    ],
)
def test_a_broken_file_says_where(tmp_path: Path, line: str, instead: str, reason: str) -> None:
    folder = tmp_path / "city"
    shutil.copytree(city_folder("xian"), folder)
    file = folder / "routing.yaml"
    file.write_text(file.read_text().replace(line, instead, 1))
    with pytest.raises(CityError, match=reason):
        load_city(str(folder))
