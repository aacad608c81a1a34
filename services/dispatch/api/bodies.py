"""What clients send: request bodies by action."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from contracts.submissions import Crs
from runtime.http import Body
from services.dispatch.domain.states import Action

Revision = Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]
NO_NUL = r"^[^\x00]*$"
"""PostgreSQL keeps every character but this one."""
Note = Annotated[str, Field(max_length=2000, min_length=1, pattern=NO_NUL)]
Code = Annotated[str, Field(max_length=64, min_length=1, pattern=NO_NUL)]
Hours = Annotated[float, Field(gt=0, le=8784, allow_inf_nan=False)]
MediaIds = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=9)]


class Plain(Body):
    """accept, start, made-safe, verify, resume, deny-extension."""

    revision: Revision
    note: Note | None = None


class Resolve(Plain):
    """`media`: at least one after-photo of the caller's, by its id from POST /v1/media."""

    media: Annotated[MediaIds, Field(min_length=1)]


class WithReason(Plain):
    """return, refuse, suspend: a code of the city's list for it."""

    reason: Code


class Assign(Plain):
    """An operator finds the owner: `community`. The owner gives the case to one of its people:
    `member`, an id, or `me`, or `nobody`."""

    community: Code | None = None
    member: Code | None = None
    reason: Code | None = None


class ByReporter(Body):
    """confirm, withdraw. Without a revision: whatever the case is like now."""

    revision: Revision | None = None
    note: Note | None = None


class Dispute(ByReporter):
    """dispute, join: a photo helps."""

    media: MediaIds = []


class Reopen(ByReporter):
    """`community` only where the case has none."""

    reason: Code | None = None
    community: Code | None = None


class Comment(Body):
    """A remark; it changes no state and needs no revision."""

    note: Note
    revision: Revision | None = None


class Transfer(WithReason):
    """Either `community` or `department`; the reason is one for giving a case back."""

    community: Code | None = None
    department: Code | None = None


class RequestExtension(WithReason):
    """Counted hours more; the reason is one of the city's for delays."""

    hours: Hours


class GrantExtension(Plain):
    """As many hours as were asked, or these."""

    hours: Hours | None = None


class Said(Body):
    """ask, answer: it changes no state and needs no revision."""

    note: Note
    revision: Revision | None = None


class Where(Body):
    """A place in degrees of `crs`."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    crs: Crs = "wgs84"
    accuracy_m: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None


class Correct(ByReporter):
    """What the first reporter says better, while nobody has accepted."""

    text: Note | None = None
    category: Code | None = None
    place: Where | None = None


class Recategorise(Plain):
    """A code of the city's list; the clocks follow."""

    category: Code


class Move(Plain):
    """Where it really is."""

    place: Where


class Check(Body):
    """Somebody else looked: `media` with at least one fresh photo; `fixed` or not."""

    fixed: bool
    media: Annotated[MediaIds, Field(min_length=1)]
    note: Note | None = None
    revision: Revision | None = None


class Merge(Plain):
    """`into`: the case that lives on, with all reports."""

    into: UUID
    reason: Code | None = None


class Separate(Plain):
    """`report_id`: one that joined; it opens a case of its own, at `place` if that is said."""

    report_id: UUID
    place: Where | None = None
    reason: Code | None = None


AnyBody = (
    Plain
    | Resolve
    | WithReason
    | Assign
    | ByReporter
    | Dispute
    | Reopen
    | Comment
    | Said
    | Transfer
    | RequestExtension
    | GrantExtension
    | Correct
    | Recategorise
    | Move
    | Check
    | Merge
    | Separate
)

BODIES: dict[Action, type[AnyBody]] = {
    "accept": Plain,
    "start": Plain,
    "made-safe": Plain,
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
    "transfer": Transfer,
    "suspend": WithReason,
    "resume": Plain,
    "request-extension": RequestExtension,
    "grant-extension": GrantExtension,
    "deny-extension": Plain,
    "ask": Said,
    "answer": Said,
    "correct": Correct,
    "recategorise": Recategorise,
    "move": Move,
    "check": Check,
    "join": Dispute,
    "merge": Merge,
    "separate": Separate,
}
ManyAction = Literal[
    "accept",
    "start",
    "made-safe",
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
    "transfer",
    "suspend",
    "resume",
    "request-extension",
    "grant-extension",
    "deny-extension",
    "ask",
    "answer",
    "recategorise",
    "merge",
]
MOST_AT_ONCE = 50


class Many(Body):
    """The same action for many cases; an item is an action's body with the case's `id`."""

    action: ManyAction
    items: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_AT_ONCE)]
