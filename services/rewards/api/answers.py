"""What clients get, as OpenAPI shows it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from services.rewards.domain.account import ClaimState, HeldFor
from services.rewards.domain.dues import Reason


class PointsGiven(BaseModel):
    """`month_points` is what counts of this month, at most `cap`; `beyond_cap` does not count.

    `pending` waits for the registration or for an operator; the cap applies when it is released.
    """

    balance: int
    month: str
    month_points: int
    beyond_cap: int
    cap: int
    pending: int
    strikes: int


class EntryGiven(BaseModel):
    """A line of the ledger. `points` changed the balance, `pending` what waits.

    `due` is before the month's cap: the rest of it does not count.
    """

    id: str
    at: datetime
    case_id: str
    report_id: str
    reason: Reason
    round: int
    step: ClaimState
    points: int
    pending: int
    due: int
    month: str
    balance: int


class EntriesGiven(BaseModel):
    """Newest first; `cursor` when there is more."""

    entries: list[EntryGiven]
    cursor: str | None


class HeldGiven(BaseModel):
    """Points that wait. `state` after a decision: credited or reversed."""

    id: str
    reporter_id: str
    case_id: str
    reason: Reason
    round: int
    points: int
    month: str
    earned_at: datetime
    held_for: HeldFor | None
    state: ClaimState
    strikes: int | None = None


class HeldListGiven(BaseModel):
    """Oldest first; `cursor` when there is more."""

    held: list[HeldGiven]
    cursor: str | None
