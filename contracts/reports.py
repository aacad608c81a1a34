"""What intake made of a submission, keyed by place cell (by report id when there is no place)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from contracts.facts import Fact
from contracts.places import Place
from contracts.submissions import Media

CategorySource = Literal["client", "alias", "words", "none"]
"""Chosen by the reporter; by a word of the city's list; by the model of phrases; not found."""


class Candidate(msgspec.Struct, frozen=True):
    """A category that the words may mean; `confidence` is 0 to 1, over all categories and none."""

    category: str
    confidence: float


class ReportNormalised(Fact, frozen=True, kw_only=True):
    """Place known, text cleaned, category found when it can be. `cell` is an H3 index.

    `candidates`: what the words may mean, best first, also when none was sure enough.
    `same_photo`: an earlier report that came with one of its photos, or one that hardly differs.
    """

    report_id: str
    reporter_id: str
    code: str
    received_at: datetime
    place: Place
    cell: str
    text: str | None = None
    category: str | None = None
    category_source: CategorySource = "none"
    dangerous: bool = False
    media: tuple[Media, ...] = ()
    attributes: dict[str, list[str]] = {}
    flags: tuple[str, ...] = ()
    observed_at: datetime | None = None
    language: str = "zh-CN"
    candidates: tuple[Candidate, ...] = ()
    same_photo: str | None = None

    def key(self) -> str:
        return self.cell


class ReportEnriched(Fact, frozen=True, kw_only=True):
    """A late result: photo served, transcript, category; never the place. None means unchanged."""

    report_id: str
    reporter_id: str
    cell: str
    text: str | None = None
    category: str | None = None
    category_source: CategorySource | None = None
    dangerous: bool | None = None
    media: tuple[Media, ...] | None = None
    flags: tuple[str, ...] | None = None
    candidates: tuple[Candidate, ...] | None = None
    same_photo: str | None = None

    def key(self) -> str:
        return self.cell


class PlaceAsked(Fact, frozen=True, kw_only=True):
    """No place came with the report: the reporter is asked where it is.

    `hints`: full names of communities and streets that the words may mean, at most five.
    """

    report_id: str
    reporter_id: str
    code: str
    hints: tuple[str, ...] = ()

    def key(self) -> str:
        return self.report_id


class ReportRefused(Fact, frozen=True, kw_only=True):
    """Not taken: `reason` is a code of the city's list (for instance `outside-city`)."""

    report_id: str
    reporter_id: str
    code: str
    reason: str
    place: Place | None = None

    def key(self) -> str:
        return self.report_id


EVENTS = (ReportNormalised, ReportEnriched, PlaceAsked, ReportRefused)
