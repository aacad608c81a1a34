"""What somebody wants done with a case, and the answer when it is not done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.cases import Case
from contracts.places import Place
from contracts.submissions import Media
from services.dispatch.domain.parties import Party
from services.dispatch.domain.proof import Shot
from services.dispatch.domain.states import Action

Why = Literal["state", "revision", "role", "field"]


@dataclass(frozen=True)
class NewPlace:
    """Where it is: its H3 cell, and the community that covers it (None: a gap in the map)."""

    place: Place
    cell: str
    community: str | None


@dataclass(frozen=True)
class Command:
    """What somebody wants done. `revision` None: whatever the case is like now.

    `member` of the owner's people is to have it. `into`: the other case of a merge, as it is now.
    `report_id`: the one to separate. `done_before`: the party did this to the case in this state
    of it (a check).
    """

    action: Action
    party: Party
    revision: int | None = None
    reason: str | None = None
    note: str | None = None
    shots: tuple[Shot, ...] = ()
    member: str | None = None
    community: str | None = None
    department: str | None = None
    hours: float | None = None
    text: str | None = None
    category: str | None = None
    moved: NewPlace | None = None
    fixed: bool = True
    into: Case | None = None
    report_id: str | None = None
    done_before: bool = False

    @property
    def media(self) -> tuple[Media, ...]:
        """What was sent along."""
        return tuple(each.media for each in self.shots)


@dataclass(frozen=True)
class Refusal:
    """Not done. `allowed`: what the party may do now; `field` is wrong when `why` says so."""

    why: Why
    allowed: tuple[Action, ...]
    field: str = ""
    zh: str = ""
    en: str = ""
