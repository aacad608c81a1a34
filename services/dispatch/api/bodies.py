"""What clients send and get: request bodies by action, answers as OpenAPI shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from contracts.cases import CaseState
from contracts.submissions import Crs, MediaKind
from runtime.http import Body
from services.dispatch.domain.states import Action

Revision = Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]
NO_NUL = r"^[^\x00]*$"
"""PostgreSQL keeps every character but this one."""
Note = Annotated[str, Field(max_length=2000, min_length=1, pattern=NO_NUL)]
Code = Annotated[str, Field(max_length=64, min_length=1, pattern=NO_NUL)]
MediaIds = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=9)]


class Plain(Body):
    """accept, start, verify."""

    revision: Revision
    note: Note | None = None


class Resolve(Plain):
    """`media`: at least one after-photo of the caller's, by its id from POST /v1/media."""

    media: Annotated[MediaIds, Field(min_length=1)]


class WithReason(Plain):
    """return, refuse: a code of the city's list."""

    reason: Code


class Assign(Plain):
    """An operator finds the owner."""

    community: Code
    reason: Code | None = None


class ByReporter(Body):
    """confirm, withdraw. Without a revision: whatever the case is like now."""

    revision: Revision | None = None
    note: Note | None = None


class Dispute(ByReporter):
    """Not fixed; a photo helps."""

    media: MediaIds = []


class Reopen(ByReporter):
    """`community` only where the case has none."""

    reason: Code | None = None
    community: Code | None = None


class Comment(Body):
    """A remark; it changes no state and needs no revision."""

    note: Note
    revision: Revision | None = None


AnyBody = Plain | Resolve | WithReason | Assign | ByReporter | Dispute | Reopen | Comment

BODIES: dict[Action, type[AnyBody]] = {
    "accept": Plain,
    "start": Plain,
    "resolve": Resolve,
    "verify": Plain,
    "confirm": ByReporter,
    "dispute": Dispute,
    "return": WithReason,
    "refuse": WithReason,
    "withdraw": ByReporter,
    "reopen": Reopen,
    "assign": Assign,
    "comment": Comment,
}
ManyAction = Literal[
    "accept",
    "start",
    "resolve",
    "verify",
    "confirm",
    "dispute",
    "return",
    "refuse",
    "withdraw",
    "reopen",
    "assign",
    "comment",
]
MOST_AT_ONCE = 50


class Many(Body):
    """The same action for many cases; an item is an action's body with the case's `id`."""

    action: ManyAction
    items: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_AT_ONCE)]


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


class ClocksGiven(BaseModel):
    """By when; `provisional` while the calendar of the year is not known."""

    accept_by: datetime
    resolve_by: datetime
    make_safe_by: datetime | None = None
    provisional: bool = False
    suspended_at: datetime | None = None


class ReportInCase(BaseModel):
    """Reporters see their own; `reporter_id` is for operators."""

    report_id: str
    joined_at: datetime
    flags: list[str]
    reporter_id: str | None = None


class CaseGiven(BaseModel):
    """A case as the caller may see it. `revision` goes into the next action's body."""

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


class NearbyCase(BaseModel):
    """An open case near a place, without what its reporters sent."""

    id: str
    code: str
    state: CaseState
    category: str | None
    community: str | None
    place: PlaceGiven
    opened_at: datetime
    report_count: int
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
