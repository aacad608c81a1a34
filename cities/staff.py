"""Reads staff.yaml: which words of an identity provider stand for which role in this city."""

from __future__ import annotations

from cities.areas import Areas
from cities.folder import city_folder
from cities.marked import Marked
from cities.rows import StaffFile
from contracts.city import City
from contracts.staff import StaffRow, StaffTable

FILE = "staff.yaml"


def load_staff(name_or_path: str, city: City, areas: Areas) -> StaffTable:
    """The city's table of staff; CityError is "file:line: reason"."""
    return read_staff(Marked(city_folder(name_or_path) / FILE), city, areas)


def read_staff(marked: Marked, city: City, areas: Areas) -> StaffTable:
    """The checked table; CityError at the line of what is wrong."""
    file = marked.to(StaffFile)
    communities, departments = frozenset(areas.owners), frozenset(city.departments)
    seen: set[str] = set()
    for at, row in enumerate(file.staff):
        path = f"$.staff[{at}]"
        if not row.word.strip("*") or "*" in row.word[:-1] or row.word in seen:
            raise marked.error(f"{path}.word", "empty, there twice, or with a * inside")
        seen.add(row.word)
        star = row.word.endswith("*")
        if row.role == "operator" and (row.of or star):
            raise marked.error(path, "an operator is for the whole city")
        if row.role != "operator" and bool(row.of) == star:
            raise marked.error(path, "either codes in `of`, or a word that ends in *")
        known = communities if row.role == "handler" else departments
        for index, code in enumerate(row.of):
            if code not in known:
                raise marked.error(f"{path}.of[{index}]", f"the city has no {code}")
    rows = tuple(StaffRow(each.word, each.role, tuple(each.of)) for each in file.staff)
    return StaffTable(file.claim, rows, communities, departments)
