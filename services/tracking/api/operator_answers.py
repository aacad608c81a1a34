"""What operators get, as OpenAPI shows it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel

from contracts.cases import CaseState
from services.tracking.api.answers import (
    ClocksGiven,
    CommunityGiven,
    MediaGiven,
    PlaceGiven,
    ReasonGiven,
)


class CaseFound(BaseModel):
    """A case as an operator's list shows it; the whole of it is at /v1/cases/{id}."""

    id: str
    code: str
    state: CaseState
    revision: int
    community: CommunityGiven | None
    department: str | None
    category: str | None
    category_name: str | None
    text: str | None
    dangerous: bool
    place: PlaceGiven
    clocks: ClocksGiven
    opened_at: datetime
    accepted_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    refusal: ReasonGiven | None
    media: list[MediaGiven]
    report_count: int


class CasesFound(BaseModel):
    """Newest first."""

    cases: list[CaseFound]
    cursor: str | None


class Geometry(BaseModel):
    """Longitude, latitude."""

    type: Literal["Point"]
    coordinates: tuple[float, float]


class Feature(BaseModel):
    """One case."""

    type: Literal["Feature"]
    id: str
    geometry: Geometry
    properties: dict[str, Any]


class Features(BaseModel):
    """RFC 7946. `crs` is WGS-84 unless another datum was asked for; `truncated`: there are more."""

    type: Literal["FeatureCollection"]
    features: list[Feature]
    crs_of_coordinates: str
    truncated: bool


class FiguresGiven(BaseModel):
    """Counts and mean seconds from the opening; `overdue` now, `late` resolved after the limit."""

    cases: int
    running: int
    closed: int
    refused: int
    overdue: int
    late: int
    accept_s: float | None
    resolve_s: float | None


class FiguresOf(FiguresGiven):
    """Of one community, category (empty: none) or day."""

    key: str
    name: str | None


class StatsGiven(BaseModel):
    """Of the cases that were opened on these days of the city's calendar, both included."""

    since: date
    until: date
    total: FiguresGiven
    by_community: list[FiguresOf]
    by_category: list[FiguresOf]
    by_day: list[FiguresOf]
