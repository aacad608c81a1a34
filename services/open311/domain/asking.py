"""What GET requests asks for, from its parameters, as tracking is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from contracts.city import City, Open311Rules
from services.open311.domain.faults import faulty
from services.open311.domain.instants import window

MOST = 1000
MOST_PAGE = 500
USUAL_PAGE = 100
MOST_PAGES = 10_000
MOST_WORD = 200

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Speaker:
    """The city's rules, the clock, and the zone of dates that name none."""

    city: City
    rules: Open311Rules
    now: datetime
    zone: tzinfo


def one(values: Values, name: str) -> str:
    """The first value that is not empty, trimmed."""
    return next((each.strip() for each in values.get(name, ()) if each.strip()), "")


def many(values: Values, name: str) -> list[str]:
    """All values, separated by commas or repeated, each once."""
    parts = (part.strip() for each in values.get(name, ()) for part in each.split(","))
    return list(dict.fromkeys(part for part in parts if part))


def sought(values: Values, speaker: Speaker) -> dict[str, Any]:
    """The question for tracking. Raises Faulty."""
    extended = one(values, "extensions").lower() in ("true", "1", "yes")
    asked: dict[str, Any] = {"lines": extended}
    ids = many(values, "service_request_id")
    if ids:
        if len(ids) > MOST:
            raise faulty("service_request_id", f"最多 {MOST} 个", f"has more than {MOST} ids")
        return asked | {"ids": [str(each) for each in map(uuid_of, ids) if each], "limit": MOST}
    asked |= _when(values, speaker) | page(values)
    if codes := many(values, "service_code"):
        asked["categories"] = [_code(speaker.city, each) for each in codes[:MOST]]
    if word := one(values, "q"):
        asked |= _word(word, speaker.city)
    states = {each.lower() for each in many(values, "status")}
    if states - {"open", "closed"}:
        raise faulty("status", "只能是 open 或 closed", "may be open or closed")
    if len(states) == 1:
        asked["shut"] = states == {"closed"}
    if speaker.rules.publish == "open311":
        asked["only_open311"] = True
    return asked


def page(values: Values) -> dict[str, int]:
    """Offset and limit: a page, or all up to 1000. Raises Faulty."""
    number, size = one(values, "page"), one(values, "page_size")
    if not number and not size:
        return {"offset": 0, "limit": MOST}
    limit = _number("page_size", size, MOST_PAGE) if size else USUAL_PAGE
    return {
        "offset": (_number("page", number, MOST_PAGES) - 1) * limit if number else 0,
        "limit": limit,
    }


def uuid_of(text: str) -> UUID | None:
    """An id of ours; None for any other text."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


def _when(values: Values, speaker: Speaker) -> dict[str, datetime]:
    """The window of creation, that of the last change, or both; the usual one without any."""
    made = one(values, "start_date"), one(values, "end_date")
    changed = one(values, "updated_after"), one(values, "updated_before")
    found: dict[str, datetime] = {}
    if any(changed):
        names = ("updated_after", "updated_before")
        found |= dict(zip(names, window(names, changed, speaker.now, speaker.zone), strict=True))
    if any(made) or not found:
        span = window(("start_date", "end_date"), made, speaker.now, speaker.zone)
        found |= dict(zip(("since", "until"), span, strict=True))
    return found


def _code(city: City, code: str) -> str:
    """The category that a covered code is filed under; an unknown one finds nothing."""
    known = city.category(code)
    return known.code if known else code[:40]


def _word(word: str, city: City) -> dict[str, Any]:
    if len(word) > MOST_WORD:
        raise faulty("q", f"最多 {MOST_WORD} 字", f"has more than {MOST_WORD} characters")
    low = word.lower()
    named = [
        each.code
        for each in city.categories
        if low in each.name.zh.lower() or low in each.name.en.lower()
    ]
    return {"word": low, "word_categories": named}


def _number(name: str, text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= most or len(text) > 9:
        raise faulty(name, f"应为 1 到 {most} 的整数", f"is not a whole number from 1 to {most}")
    return int(text)
