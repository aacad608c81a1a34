"""Reads a category and danger out of a text by the city's own words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from contracts.city import City
from contracts.reports import Candidate, CategorySource

Reader = Callable[[str], tuple[Candidate, ...]]
"""The likeliest categories of a text, best first."""
SURE = 0.3
"""Under this confidence nobody decides but the handler."""


@dataclass(frozen=True)
class Found:
    """A category's code, or None; how it was found; what else it may be."""

    code: str | None
    source: CategorySource
    candidates: tuple[Candidate, ...] = ()


def nothing_read(text: str) -> tuple[Candidate, ...]:
    """The reader of a city without phrases."""
    return ()


def read_category(sent: str | None, text: str, city: City, read: Reader) -> Found:
    """What the client chose; else the likeliest, when it is sure enough or the city's alias too."""
    category = city.category(sent)
    if category is not None:
        return Found(category.code, "client")
    alias, candidates = category_of(text, city.aliases), read(text)
    if not candidates:
        return Found(alias, "alias" if alias else "none")
    best = candidates[0]
    if best.category == alias:
        return Found(alias, "alias", candidates)
    if best.confidence >= SURE:
        return Found(best.category, "words", candidates)
    return Found(None, "none", candidates)


def category_of(text: str, aliases: Mapping[str, str]) -> str | None:
    """The code of the longest alias in the text; of equally long ones the first in the text wins.

    `aliases` maps lower-case words to codes. A word that begins or ends with a Latin letter or a
    digit is found as a whole word only; Chinese words anywhere.
    """
    plain = folded(text)
    best: tuple[int, int, str] | None = None
    for alias, code in aliases.items():
        if alias in plain and (best is None or len(alias) >= -best[0]):
            at = _find(plain, alias)
            if at >= 0:
                found = (-len(alias), at, code)
                best = found if best is None else min(best, found)
    return None if best is None else best[2]


def is_dangerous(text: str, words: Iterable[str]) -> bool:
    """Whether the text has one of the danger words (lower case, found as aliases are)."""
    plain, words = folded(text), tuple(words)
    if not _any_of(words).search(plain):
        return False
    return any(_find(plain, word) >= 0 for word in words)


@lru_cache(maxsize=4)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Finds more than `_find` does, in a tenth of the time: most texts have none of them."""
    return re.compile("|".join(map(re.escape, words)) or "(?!)")


def says_danger(text: str, category: str | None, city: City) -> bool:
    """By the words, or by a category that is dangerous in itself."""
    known = city.category(category)
    return is_dangerous(text, city.danger_words) or bool(known and known.danger)


def folded(text: str) -> str:
    """Full-width letters made plain, lower case, one space between words."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def _find(text: str, word: str) -> int:
    """Where the word stands, -1 if nowhere. `\\b` will not do: it sees Chinese as letters too."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        begins = not _is_latin(word[0]) or at == 0 or not _is_latin(text[at - 1])
        ends = not _is_latin(word[-1]) or end == len(text) or not _is_latin(text[end])
        if begins and ends:
            return at
        at = text.find(word, at + 1)
    return -1


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
