"""What clients get, as OpenAPI shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from contracts.cases import CaseState, SameBy
from contracts.submissions import Crs, MediaKind
from services.dispatch.domain.states import Action


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


class OriginalGiven(BaseModel):
    """Where the original may be opened, until then; `url` is a path of the same origin."""

    url: str
    expires_at: datetime


class ClocksGiven(BaseModel):
    """By when; `provisional` while the calendar of the year is not known.

    `left_s`: counted seconds left while the clock to resolve stands still (suspended, resolved).
    """

    accept_by: datetime
    resolve_by: datetime
    make_safe_by: datetime | None = None
    provisional: bool = False
    suspended_at: datetime | None = None
    left_s: float | None = None
    extended_h: float = 0.0


class ReportInCase(BaseModel):
    """Reporters see their own; `reporter_id` is for operators."""

    report_id: str
    joined_at: datetime
    flags: list[str]
    reporter_id: str | None = None


class CandidateGiven(BaseModel):
    """What the report's words may mean, 0 to 1; for the handler to pick from."""

    category: str
    confidence: float


class AlternativeGiven(BaseModel):
    """Who is asked next: a community, street or district by its code, or a department."""

    reason: str
    community: str | None = None
    department: str | None = None


class SuggestionGiven(BaseModel):
    """Another open case that may be about the same matter, and by what beside place and time."""

    case_id: str
    code: str
    distance_m: float
    same_by: list[SameBy]


class CaseGiven(BaseModel):
    """A case as the caller may see it. `revision` goes into the next action's body.

    For staff: `alternatives` are asked next when it is given back, as it was `returns` times;
    `responsible` accepted it last, `member` of its people has it; `proof_flags`: how the
    after-photos do not agree with place and time, where nobody said why; `suggestions`: other open
    cases that may be about the same matter, likeliest first (an operator merges).
    """

    id: str
    code: str
    state: CaseState
    seq: int
    revision: int
    round: int
    place: PlaceGiven
    opened_at: datetime
    updated_at: datetime
    clocks: ClocksGiven
    reports: list[ReportInCase]
    report_count: int
    community: str | None
    department: str | None
    category: str | None
    text: str | None
    dangerous: bool
    media: list[MediaGiven]
    proof: list[MediaGiven]
    accepted_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    disputed_once: bool
    refusal: str | None
    made_safe_at: datetime | None
    extension_h: float | None
    question_id: str | None
    candidates: list[CandidateGiven]
    alternatives: list[AlternativeGiven]
    returns: int
    responsible: str | None
    member: str | None
    proof_flags: list[str]
    suggestions: list[SuggestionGiven]
    allowed: list[Action]


class QueueGiven(BaseModel):
    """A page of a queue; `feed_no` is where to begin the stream (its `after`)."""

    cases: list[CaseGiven]
    cursor: str | None
    feed_no: int


class ByGiven(BaseModel):
    """Who did it, by role only."""

    role: str


class LineGiven(BaseModel):
    """One line of a timeline."""

    seq: int
    type: str
    at: datetime
    by: ByGiven
    state: CaseState
    reason: str | None = None
    note: str | None = None


class TimelineGiven(BaseModel):
    """In order; `cursor` when there is more."""

    events: list[LineGiven]
    cursor: str | None


class PublicCase(BaseModel):
    """A case without what its reporters sent."""

    id: str
    code: str
    state: CaseState
    category: str | None
    community: str | None
    place: PlaceGiven
    opened_at: datetime
    report_count: int


class NearbyCase(PublicCase):
    """An open case near a place."""

    distance_m: float


class NearbyGiven(BaseModel):
    """Nearest first."""

    cases: list[NearbyCase]


class OneResult(BaseModel):
    """One item's outcome: the case, or a problem."""

    id: str
    status: int
    case: CaseGiven | None = None
    problem: dict[str, Any] | None = None


class ManyGiven(BaseModel):
    """In the order of the items."""

    results: list[OneResult]
