"""A report's story so far: its facts folded in the order of their numbers.

The same set of facts gives the same story, in whatever order and however often they arrived.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from contracts.facts import Fact
from contracts.reports import PlaceAsked, ReportEnriched, ReportNormalised, ReportRefused
from contracts.submissions import Media, Open311, ReportSubmitted, SentPlace

Status = Literal["accepted", "place-asked", "normalised", "refused"]


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The report as its reporter sent it."""

    received_at: datetime
    text: str | None = None
    category: str | None = None
    place: SentPlace | None = None
    media: tuple[Media, ...] = ()
    attributes: dict[str, list[str]] = {}
    observed_at: datetime | None = None
    language: str = "zh-CN"
    open311: Open311 | None = None


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a report. `refusal` is a code of the city's list.

    `hints` are places that its words may mean, as long as its place is asked for.
    """

    id: str
    code: str = ""
    status: Status = "accepted"
    accepted: Accepted | None = None
    normalised: ReportNormalised | None = None
    refusal: str | None = None
    hints: tuple[str, ...] = ()


def story_of(report_id: str, facts: Iterable[Fact]) -> Story:
    """The story that these facts, in the order of their numbers, tell."""
    story = Story(id=report_id)
    for fact in facts:
        story = _told(story, fact)
    return story


def _told(story: Story, fact: Fact) -> Story:
    if isinstance(fact, ReportSubmitted):
        return replace(story, code=fact.code, accepted=_as_sent(fact))
    if isinstance(fact, ReportNormalised):
        return replace(story, code=fact.code, status="normalised", normalised=fact, refusal=None)
    if isinstance(fact, PlaceAsked):
        return replace(story, code=fact.code, status="place-asked", hints=fact.hints)
    if isinstance(fact, ReportRefused):
        return replace(story, code=fact.code, status="refused", refusal=fact.reason)
    if isinstance(fact, ReportEnriched) and story.normalised is not None:
        return replace(story, normalised=_enriched(story.normalised, fact))
    return story


def _as_sent(fact: ReportSubmitted) -> Accepted:
    return Accepted(
        received_at=fact.received_at,
        text=fact.text,
        category=fact.category,
        place=fact.place,
        media=fact.media,
        attributes=fact.attributes,
        observed_at=fact.observed_at,
        language=fact.language,
        open311=fact.open311,
    )


def _enriched(report: ReportNormalised, late: ReportEnriched) -> ReportNormalised:
    """None means unchanged."""
    return replace(
        report,
        text=report.text if late.text is None else late.text,
        category=report.category if late.category is None else late.category,
        category_source=late.category_source or report.category_source,
        dangerous=report.dangerous if late.dangerous is None else late.dangerous,
        media=report.media if late.media is None else late.media,
        flags=report.flags if late.flags is None else late.flags,
    )
