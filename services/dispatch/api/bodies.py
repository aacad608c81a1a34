"""What clients send: request bodies by action."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

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
