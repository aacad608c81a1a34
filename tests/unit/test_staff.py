"""The shipped table of staff is whole, and a broken one is pointed at by file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cities.areas import load_areas
from cities.folder import city_folder
from cities.load import CityError, load_city
from cities.staff import FILE, load_staff
from contracts.staff import Standing

CITY, AREAS = load_city("xian"), load_areas("xian")
ONE, TWO = sorted(AREAS.communities)[:2]
DEPARTMENT = sorted(CITY.departments)[0]
OWN = f"""
claim: roles
staff:
- {{word: boss, role: operator}}
- {{word: two, role: handler, of: ['{ONE}', '{TWO}']}}
- {{word: 'c-*', role: handler}}
"""


def test_the_first_row_that_fits_is_the_role() -> None:
    table = load_staff("xian", CITY, AREAS)
    community, department = f"yizhan-community-{ONE}", f"yizhan-department-{DEPARTMENT}"
    assert table.standing([community]) == Standing("handler", communities=frozenset({ONE}))
    assert table.standing([community, department]) == Standing(
        "department", departments=frozenset({DEPARTMENT})
    )
    assert table.standing([community, "yizhan-operators"]) == Standing("operator")
    for nobody in ([], ["x"], ["yizhan-community-"], ["yizhan-community-*"], ["yizhan-operators*"]):
        assert table.standing(nobody) is None


def test_rows_of_one_role_add_up(tmp_path: Path) -> None:
    table = load_staff(changed(tmp_path, OWN), CITY, AREAS)
    assert table.standing(["two"]) == Standing("handler", communities=frozenset({ONE, TWO}))
    assert table.standing([f"c-{ONE}", "c-nowhere"]) == Standing(
        "handler", communities=frozenset({ONE})
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("word: two", "word: boss", "there twice"),
        ("c-*", "c*c", "a * inside"),
        ("c-*", "*", "empty"),
        ("role: operator", "role: king", "Invalid enum value"),
        ("word: boss, role: operator", "word: 'b*', role: operator", "whole city"),
        ("word: two, role: handler,", "word: 'two*', role: handler,", "either codes"),
        (TWO, "000000000000", "the city has no"),
    ],
)
def test_what_is_wrong_is_pointed_at(tmp_path: Path, old: str, new: str, reason: str) -> None:
    with pytest.raises(CityError) as error:
        load_staff(changed(tmp_path, OWN.replace(old, new, 1)), CITY, AREAS)
    assert f"{FILE}:" in str(error.value) and reason in str(error.value)


def changed(tmp_path: Path, text: str) -> str:
    shutil.copytree(city_folder("xian"), tmp_path / "city")
    (tmp_path / "city" / FILE).write_text(text, encoding="utf-8")
    return str(tmp_path / "city")
