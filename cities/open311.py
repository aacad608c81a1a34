"""Reads open311.yaml, which a city may do without."""

from __future__ import annotations

from cities.folder import city_folder
from cities.marked import Marked
from contracts.city import Open311Rules

FILE = "open311.yaml"


def load_open311(name_or_path: str) -> Open311Rules:
    """The city's rules of Open311, or the usual ones; CityError is "file:line: reason"."""
    path = city_folder(name_or_path) / FILE
    if not path.exists():
        return Open311Rules()
    marked = Marked(path)
    rules = marked.to(Open311Rules)
    for at, each in enumerate(rules.jurisdictions):
        if not each.strip() or each in rules.jurisdictions[:at]:
            raise marked.error(f"$.jurisdictions[{at}]", "is empty or stands here twice")
    return rules
