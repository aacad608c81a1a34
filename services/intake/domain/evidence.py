"""Whether a report's photos and clock agree with it: flags for handlers and rewards, never a no.

Sources: rules.md, the city's own file (`evidence:` in city.yaml).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from contracts.city import Evidence
from contracts.places import Place, distance_m
from contracts.submissions import ReportSubmitted
from services.intake.domain.report import Photo

PHOTO_UNREADABLE = "photo-unreadable"
PHOTO_OLD = "photo-old"
"""Taken longer before the report than the city allows."""
PHOTO_AHEAD = "photo-ahead"
"""Taken after the report: the camera's clock is wrong."""
PHOTO_ELSEWHERE = "photo-elsewhere"
"""Its place is not the report's."""
PHOTO_SEEN = "photo-seen"
"""An earlier report came with the same photo."""
CLOCK_WRONG = "clock-wrong"
"""The device's time cannot be: the time of arrival stands instead."""


def flags(
    sent: ReportSubmitted, photos: Sequence[Photo], place: Place, rule: Evidence
) -> tuple[str, ...]:
    """Each that holds, once, in a fixed order."""
    kept = [photo for photo in photos if not photo.refused]
    believed = observed(sent, rule)
    ages = [(believed or sent.received_at) - each.taken_at for each in kept if each.taken_at]
    places = [each.place for each in kept if each.place and place.source != "exif"]
    holds = {
        PHOTO_UNREADABLE: len(kept) < len(photos),
        PHOTO_OLD: any(age > timedelta(minutes=rule.photo_within_min) for age in ages),
        PHOTO_AHEAD: any(-age > timedelta(seconds=rule.clock_ahead_s) for age in ages),
        PHOTO_ELSEWHERE: any(_between(each, place) > rule.photo_distance_m for each in places),
        PHOTO_SEEN: seen_in(sent, photos) is not None,
        CLOCK_WRONG: sent.observed_at is not None and believed is None,
    }
    return tuple(name for name, does in holds.items() if does)


def seen_in(sent: ReportSubmitted, photos: Sequence[Photo]) -> str | None:
    """The earliest report before this one that came with one of its photos."""
    before = (photo.seen_in for photo in photos if not photo.refused)
    return min((each for each in before if each and each < sent.report_id), default=None)


def observed(sent: ReportSubmitted, rule: Evidence) -> datetime | None:
    """When the device says that it was seen; None when it does not say so, or cannot be right."""
    at, arrived = sent.observed_at, sent.received_at
    if at is None or at > arrived + timedelta(seconds=rule.clock_ahead_s):
        return None
    return None if at < arrived - timedelta(hours=rule.clock_behind_h) else min(at, arrived)


def _between(one: Place, other: Place) -> float:
    return distance_m(one.lat, one.lon, other.lat, other.lon)
