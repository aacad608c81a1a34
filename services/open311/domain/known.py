"""Reports as tracking tells of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from contracts.cases import Case, CaseState
from contracts.reports import ReportNormalised
from contracts.submissions import Media, Open311, SentPlace


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The report as it was sent."""

    received_at: datetime
    text: str | None = None
    category: str | None = None
    place: SentPlace | None = None
    media: tuple[Media, ...] = ()
    open311: Open311 | None = None


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a report. `refusal` is a code of the city's list."""

    id: str
    code: str = ""
    status: Literal["accepted", "place-asked", "normalised", "refused"] = "accepted"
    accepted: Sent | None = None
    normalised: ReportNormalised | None = None
    refusal: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a case."""

    type: str
    at: datetime
    state: CaseState
    reason: str | None = None
    note: str | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A report, the case that answers for it, and what happened to that one."""

    story: Story
    updated_at: datetime | None = None
    case: Case | None = None
    lines: tuple[Line, ...] = ()

    @property
    def origin(self) -> Open311 | None:
        """What came with it through this door; None when it came another way."""
        return self.story.accepted.open311 if self.story.accepted else None


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to the case of a report."""

    report_id: str
    case_id: str
    seq: int
    type: str
    at: datetime
    state: CaseState
    reason: str | None = None
    note: str | None = None
    open311: bool = False
