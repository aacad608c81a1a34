"""Makes a reporter's text safe to store, show and compare, without changing what it says."""

from __future__ import annotations

import re
import unicodedata

# Invisible marks that turn the direction of what follows: text could read otherwise than it is.
# Joiners stay: emoji and some scripts need them.
BIDI_AND_BOM = {0x061C, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F)}
BIDI_AND_BOM |= set(range(0x2066, 0x206A))
LINE_END = re.compile("\r\n?|[\u0085\u2028\u2029\v\f]")
SPACES = re.compile(r"[^\S\n]+")
ROUND_LINE_END = re.compile(r" ?\n ?")
EMPTY_LINES = re.compile(r"\n{3,}")


def clean_text(raw: str, most_chars: int) -> str:
    """NFC text of at most `most_chars` characters (the rest is cut), "" when nothing is left.

    Control characters, lone surrogates and direction marks go; line ends become newlines, runs of
    spaces (also the ideographic one) one space, empty lines at most one.
    """
    text = SPACES.sub(" ", LINE_END.sub("\n", raw))
    text = "".join(character for character in text if _is_text(character))
    text = SPACES.sub(" ", unicodedata.normalize("NFC", text))
    text = EMPTY_LINES.sub("\n\n", ROUND_LINE_END.sub("\n", text)).strip()
    return text[:most_chars].rstrip()


def _is_text(character: str) -> bool:
    if character == "\n":
        return True
    number = ord(character)
    if number in BIDI_AND_BOM or number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF:
        return False
    return unicodedata.category(character) not in ("Cc", "Cs")
