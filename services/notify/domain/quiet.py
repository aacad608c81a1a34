"""What a recipient wants: language, quiet hours, which channels besides the inbox."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

Language = Literal["zh-CN", "en"]
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """`quiet_from`, `quiet_until`: minutes after local midnight, both or none; may pass midnight.

    `stream` False keeps notices off the live stream; the inbox has them always.
    """

    language: Language | None = None
    quiet_from: int | None = None
    quiet_until: int | None = None
    stream: bool = True


def is_quiet(preferences: Preferences, at: datetime, timezone: str) -> bool:
    """Whether the recipient wants no ring at that instant; the end is not included."""
    start, end = preferences.quiet_from, preferences.quiet_until
    if start is None or end is None or start == end:
        return False
    local = at.astimezone(ZoneInfo(timezone))
    minute = local.hour * 60 + local.minute
    if start < end:
        return start <= minute < end
    return minute >= start or minute < end


def minutes(clock: str) -> int:
    """Minutes after midnight of HH:MM."""
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)


def clock(minute: int) -> str:
    """HH:MM of minutes after midnight."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
