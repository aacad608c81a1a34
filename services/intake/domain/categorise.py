"""Reads a category and danger out of a text by the city's own words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping


def category_of(text: str, aliases: Mapping[str, str]) -> str | None:
    """The code of the longest alias in the text; of equally long ones the first in the text wins.

    `aliases` maps lower-case words to codes. A word that begins or ends with a Latin letter or a
    digit is found as a whole word only; Chinese words anywhere.
    """
    folded = _folded(text)
    best: tuple[int, int, str] | None = None
    for alias, code in aliases.items():
        if alias in folded and (best is None or len(alias) >= -best[0]):
            at = _find(folded, alias)
            if at >= 0:
                found = (-len(alias), at, code)
                best = found if best is None else min(best, found)
    return None if best is None else best[2]


def is_dangerous(text: str, words: Iterable[str]) -> bool:
    """Whether the text has one of the danger words (lower case, found as aliases are)."""
    folded = _folded(text)
    return any(_find(folded, word) >= 0 for word in words)


def _folded(text: str) -> str:
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
