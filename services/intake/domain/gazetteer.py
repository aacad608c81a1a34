"""Names of communities and streets in a text: where a report without coordinates may be.

A hint, never a place: names repeat within the city, and people write of places where they are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from contracts.city import Community

MOST = 5
LONGEST = 12
BARE = 3
"""Shorter names are words of their own: they count only before 社区, 村, 街道 and the like."""
KINDS = ("社区", "小区", "村", "街道", "街办", "镇", "居委会", "村委会")
_OFFICE = re.compile(r"(社区)?(居民委员会|村民委员会|居委会|村委会|委员会|委会)$")
_KIND = re.compile(r"(社区|街道|街办|村|镇)$")
_ABOVE = re.compile(r"(街道|镇|区|县)$")


class Gazetteer:
    """Built once from the city's communities."""

    def __init__(self, communities: Iterable[Community]) -> None:
        self._known: dict[str, list[tuple[str, ...]]] = {}
        streets = set()
        for each in communities:
            above = (each.district, each.street)
            streets.add(above)
            self._add(_OFFICE.sub("", each.name), (*above, _plain(each.name)))
        for above in sorted(streets):
            self._add(above[1], above)

    def _add(self, name: str, place: tuple[str, ...]) -> None:
        base = _KIND.sub("", name)
        if len(base) >= 2:
            self._known.setdefault(base, []).append(place)

    def hints(self, text: str) -> tuple[str, ...]:
        """Full names of the places that the text may mean, at most MOST; () when it names none.

        Of places with one name those come first, and alone, whose street or district stands in the
        text too. More than MOST of one name tell nothing.
        """
        found: list[tuple[str, ...]] = []
        at = 0
        while at < len(text):
            name = self._name_at(text, at)
            if name:
                found += [place for place in self._known[name] if place not in found]
            at += len(name) or 1
        named = [place for place in found if any(_said(above, text) for above in place[:-1])]
        chosen = named or found
        return tuple(" ".join(place) for place in chosen) if len(chosen) <= MOST else ()

    def _name_at(self, text: str, at: int) -> str:
        for size in range(min(LONGEST, len(text) - at), 1, -1):
            name = text[at : at + size]
            if name in self._known and (size >= BARE or text.startswith(KINDS, at + size)):
                return name
        return ""


def _plain(name: str) -> str:
    """瓦胡同社区居民委员会 -> 瓦胡同社区; 狄寨街村委会 -> 狄寨街村."""
    short = _OFFICE.sub("", name)
    if short == name or _KIND.search(short):
        return short
    return short + ("社区" if "居" in name or "社区" in name else "村")


def _said(name: str, text: str) -> bool:
    base = _ABOVE.sub("", name)
    return (base if len(base) >= 2 else name) in text
