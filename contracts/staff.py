"""What a city says of its staff: which words of an identity provider stand for which role."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

StaffRole = Literal["operator", "department", "handler"]


@dataclass(frozen=True)
class StaffRow:
    """`word` is a value of the claim; one that ends in `*` stands for any rest.

    `of` are codes of communities (a handler's) or departments; with a `*` the rest is the code.
    """

    word: str
    role: StaffRole
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standing:
    """What somebody may be: one role, and for whom."""

    role: StaffRole
    communities: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()


@dataclass(frozen=True)
class StaffTable:
    """`claim` is the provider's claim that lists the words; the first row that fits is the role."""

    claim: str
    rows: tuple[StaffRow, ...]
    communities: frozenset[str]
    departments: frozenset[str]

    def standing(self, words: Iterable[str]) -> Standing | None:
        """The role of the first row that fits, with the codes of all rows of that role; else None.

        A code that the city does not have counts for nothing.
        """
        said = sorted(set(words))
        fitting = [(row, code) for row in self.rows for word in said for code in _codes(row, word)]
        if not fitting:
            return None
        role = fitting[0][0].role
        codes = {code for row, code in fitting if row.role == role}
        if role == "operator":
            return Standing(role)
        known = self.communities if role == "handler" else self.departments
        mine = frozenset(codes & known)
        if not mine:
            return None
        if role == "handler":
            return Standing(role, communities=mine)
        return Standing(role, departments=mine)


def _codes(row: StaffRow, word: str) -> tuple[str, ...]:
    if row.word.endswith("*"):
        stem = row.word[:-1]
        return (word.removeprefix(stem),) if word.startswith(stem) and word != stem else ()
    if word != row.word:
        return ()
    return row.of or ("",)
