"""What readers of reports get, as OpenAPI shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from contracts.cases import CaseState
from contracts.submissions import Crs, MediaKind
from services.tracking.domain.story import Status


class PlaceGiven(BaseModel):
    """Degrees in `crs`."""

    lat: float
    lon: float
    crs: Crs
    accuracy_m: float | None = None


class MediaGiven(BaseModel):
    """Fetch it from /v1/media/{id}."""

    id: str
    kind: MediaKind
    content_type: str


class ReasonGiven(BaseModel):
    """A code, and what it means in the reader's language."""

    code: str
    text: str


class AcceptedGiven(BaseModel):
    """The report as it was sent (its place in the `crs` that the reader asks for)."""

    text: str | None
    category: str | None
    place: PlaceGiven | None
    media: list[MediaGiven]
    attributes: dict[str, list[str]]
    observed_at: datetime | None


class NormalisedGiven(BaseModel):
    """What was made of it: cleaned text, category, place; media that could be read."""

    text: str | None
    category: str | None
    category_source: Literal["client", "alias", "words", "none"]
    place: PlaceGiven
    media: list[MediaGiven]
    dangerous: bool
    flags: list[str]
    observed_at: datetime | None


class CommunityGiven(BaseModel):
    """Who is responsible for the place."""

    code: str
    name: str
    street: str
    district: str


class ClocksGiven(BaseModel):
    """By when; `provisional` while the calendar of the year is not known."""

    accept_by: datetime
    resolve_by: datetime
    make_safe_by: datetime | None
    provisional: bool
    suspended_at: datetime | None
    overdue: bool


class CaseOfReport(BaseModel):
    """The case that answers for the report. `revision` goes into an action's body."""

    id: str
    code: str
    state: CaseState
    revision: int
    round: int
    community: CommunityGiven | None
    department: str | None
    category: str | None
    dangerous: bool
    clocks: ClocksGiven
    opened_at: datetime
    updated_at: datetime
    accepted_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    refusal: ReasonGiven | None
    proof: list[MediaGiven]
    report_count: int
    opened_by_this_report: bool


class LinksGiven(BaseModel):
    """Where to go on; `place` while the place is asked."""

    self: str
    case: str | None
    place: str | None


class ReportInList(BaseModel):
    """A report and how far it has come. `normalised` and `case` are null until they are there.

    `hints`: full names of places that the words may mean, beside the question for the place.
    """

    id: str
    code: str
    status: Status
    received_at: datetime | None
    accepted: AcceptedGiven | None
    normalised: NormalisedGiven | None
    question: str | None
    hints: list[str]
    refusal: ReasonGiven | None
    case: CaseOfReport | None
    links: LinksGiven


class LineGiven(BaseModel):
    """One line: `about` says what of; members that do not belong to it are null."""

    at: datetime
    about: Literal["report", "case", "points", "notice"]
    type: str
    by: str | None = None
    state: CaseState | None = None
    reason: ReasonGiven | None = None
    note: str | None = None
    points: int | None = None
    channel: str | None = None
    event: str | None = None


class ReportGiven(ReportInList):
    """The same with all that happened, oldest first."""

    timeline: list[LineGiven]


class ReportsGiven(BaseModel):
    """Newest first. `complete` false: the very newest may be missing for a moment."""

    reports: list[ReportInList]
    cursor: str | None
    complete: bool
