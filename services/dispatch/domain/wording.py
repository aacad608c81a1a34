"""What two texts say about whether they mean one thing: numbers, sides, names; pure.

Most people who report a thing describe what is wrong with it, in words that fit every other thing
of its kind: these say nothing. What tells things apart is what only one of them has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from typing import Literal

Said = Literal["same-number", "other-number", "other-side", "same-names"]

_DIGITS = r"([a-z]{0,4}-?\d{1,8})"
_COUNT = r"(\d{1,5}|[一二三四五六七八九十]{1,3})"
_THING = "灯杆|电杆|杆|灯|井|桶|箱"
# On the thing itself: lamps, covers and bins carry numbers; two numbers are two things.
_OWN = (
    re.compile(
        rf"(?:编号|编码|[杆灯井桶箱]号|\bno\.|\bnumber|\bpole|#)\s*(?:是|为|:|：|#)?\s*{_DIGITS}"
    ),
    re.compile(rf"(?<![\d.])([a-z]{{0,4}}-?\d{{1,8}})\s*号(?:路|街)?(?:{_THING})"),
)
# Beside it: people at one thing may count from either end, or see either house.
_BESIDE = (
    re.compile(rf"(?<![\d月年]){_COUNT}\s*(?:号楼|栋|幢)"),
    re.compile(r"(?<![\d月年.])(\d{1,4})\s*号(?![楼线路街灯电杆井桶箱\d])"),
    re.compile(rf"第\s*{_COUNT}\s*[个盏根棵块段只处]"),
    re.compile(r"\b(\d{1,5}) (?:[a-z]+ ){1,3}(?:road|rd|street|st|avenue|ave|lane)\b"),
)
_SIDES = (
    re.compile(r"([东西南北左右])(?:侧|边|面|头|门|口)"),
    re.compile(
        r"\b(north|south|east|west|left|right)(?:ern)? (?:side|end|corner|gate|exit|entrance)"
    ),
)
_OPPOSITE = {"东": "西", "南": "北", "左": "右", "east": "west", "north": "south", "left": "right"}
_OPPOSITE |= {there: here for here, there in _OPPOSITE.items()}
_HAN = re.compile(r"[\u4e00-\u9fff]+")
_LATIN = re.compile(r"[a-z]{4,}")
ENOUGH = 3
"""Shared pieces that nobody says of every such thing: a name of four characters has three."""


def said(one: str | None, other: str | None, ordinary: Set[str]) -> frozenset[Said]:
    """In what the texts agree and disagree; nothing when one of them is missing.

    `ordinary`: the pieces (`pieces`) of what people say of every thing of the family.
    """
    if not one or not other:
        return frozenset()
    a, b = one.lower(), other.lower()
    own, found = _agree(a, b, _OWN), set[Said]()
    if own is not None:
        found.add("same-number" if own else "other-number")
    if _opposite(a, b) or _agree(a, b, _BESIDE) is False:
        found.add("other-side")
    if len((pieces(a) & pieces(b)) - ordinary) >= ENOUGH:
        found.add("same-names")
    return frozenset(found)


def pieces(text: str) -> frozenset[str]:
    """Chinese characters by twos as they stand together, and longer Latin words, lower case."""
    low = text.lower()
    runs = _HAN.findall(low)
    return frozenset(
        {run[at : at + 2] for run in runs for at in range(len(run) - 1)} | {*_LATIN.findall(low)}
    )


def pieces_of(texts: Iterable[str]) -> frozenset[str]:
    """Those of all the texts."""
    return frozenset[str]().union(*(pieces(each) for each in texts))


def _agree(a: str, b: str, kinds: tuple[re.Pattern[str], ...]) -> bool | None:
    """Whether they name one number of a kind; None where no kind is in both."""
    named = [({*kind.findall(a)}, {*kind.findall(b)}) for kind in kinds]
    agree = [not mine.isdisjoint(theirs) for mine, theirs in named if mine and theirs]
    return any(agree) if agree else None


def _opposite(a: str, b: str) -> bool:
    """Whether they name opposite sides, and none in common."""
    here, there = ({side for kind in _SIDES for side in kind.findall(each)} for each in (a, b))
    return here.isdisjoint(there) and any(_OPPOSITE[each] in there for each in here)
