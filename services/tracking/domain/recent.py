"""Which reports intake has to be asked for, and how they join those that arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.tracking.domain.story import Story

SLACK = timedelta(minutes=15)
"""Submissions come through eight partitions: one may be this much behind another."""


def made_at(report_id: str) -> datetime | None:
    """The instant in a UUIDv7; None for another kind of id."""
    uuid = UUID(report_id)
    if uuid.version != 7:
        return None
    return datetime.fromtimestamp((uuid.int >> 80) / 1000, UTC)


def ask_after(newest_known: str | None) -> datetime | None:
    """The instant behind which intake may know more; None: from the beginning."""
    if newest_known is None:
        return None
    made = made_at(newest_known)
    return None if made is None else made - SLACK


def older_than_asked(before: str | None, after: datetime | None) -> bool:
    """Whether a page that starts below `before` holds only what intake need not be asked for."""
    if before is None or after is None:
        return False
    made = made_at(before)
    return made is not None and made <= after


def joined(known: Sequence[str], more: Iterable[Story], before: str | None) -> dict[str, Story]:
    """Intake's reports of this page that have not arrived, by id."""
    there = set(known)
    return {
        each.id: each
        for each in more
        if each.id not in there and (before is None or each.id < before)
    }
