"""A report as intake keeps it: what was sent, and how far the decision about it has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from contracts.city import City
from contracts.facts import Event
from contracts.places import Place
from contracts.submissions import OPEN311_TEXT_CHARS, Open311, ReportSubmitted
from services.intake.domain.categorise import Reader, nothing_read

Status = Literal[
    "accepted",  # durable, not looked at yet
    "reading",  # waits a moment for the place in its photos
    "place-asked",  # waits for the reporter
    "normalised",  # dispatch has it
    "refused",  # not taken, with a reason
]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`seq` counts the events of this report; ReportSubmitted was the first.

    `transcript`: what is said in its voice note, once that is written down.
    """

    submitted: ReportSubmitted
    status: Status = "accepted"
    seq: int = 1
    place: Place | None = None
    cell: str | None = None
    category: str | None = None
    refusal: str | None = None
    transcript: str | None = None

    @property
    def id(self) -> str:
        return self.submitted.report_id


class Photo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a photo. `read`: its header was looked at; `refused`: it does not decode.

    `seen_in`: the first report that carried it, or a photo that hardly differs.
    """

    id: str
    read: bool = True
    refused: bool = False
    place: Place | None = None
    taken_at: datetime | None = None
    seen_in: str | None = None


def no_hints(text: str) -> tuple[str, ...]:
    """Of a city whose names nobody knows."""
    return ()


@dataclass(frozen=True)
class Rules:
    """The city, whether it covers a point, and the H3 cell of a point (WGS-84 degrees).

    `read` gives the likeliest categories of a text; without it only the city's aliases are known.
    `hints` gives full names of the places that a text may mean.
    """

    city: City
    inside: Callable[[float, float], bool]
    cell: Callable[[float, float], str]
    read: Reader = nothing_read
    hints: Callable[[str], tuple[str, ...]] = no_hints


def most_chars(city: City, open311: Open311 | None) -> int:
    """What a report's text may have: Open311's own limit for what comes from there."""
    return OPEN311_TEXT_CHARS if open311 else city.limits.text_chars


@dataclass(frozen=True)
class Decision:
    """The report after it, and the events that say so."""

    report: Report
    events: tuple[Event, ...] = ()
