"""Pairs of neighbouring characters: what a search for two Chinese characters can be looked up by.

Trigrams need three; people search for 井盖 and 路灯.
"""

from __future__ import annotations

import unicodedata


def bigrams(*texts: str | None) -> list[str]:
    """All pairs of the texts, sorted; each text alone, folded by `folded`."""
    found: set[str] = set()
    for text in texts:
        plain = folded(text or "")
        found.update(plain[at : at + 2] for at in range(len(plain) - 1))
    return sorted(found)


def folded(text: str) -> str:
    """Compatibility forms as one, lower case, white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())
