"""Facts about points and vouchers, keyed by reporter id."""

from __future__ import annotations

from datetime import datetime

from contracts.facts import Fact


class CreditFact(Fact, frozen=True, kw_only=True):
    """Shared by all facts about a reporter's points.

    `points` is the change of the balance (in PointsHeld: what waits), `balance` is after it;
    `subject_id` is what they were earned with: a case, or a voucher.
    """

    reporter_id: str
    subject_id: str
    reason: str
    round: int
    points: int
    balance: int

    def key(self) -> str:
        return self.reporter_id


class PointsCredited(CreditFact, frozen=True, kw_only=True):
    """Points were written to the ledger; `capped` of them were beyond the month's cap."""

    capped: int = 0


class PointsHeld(CreditFact, frozen=True, kw_only=True):
    """Points wait: for a registration, or for an operator's review."""


class PointsReleased(CreditFact, frozen=True, kw_only=True):
    """Waiting points became real; `capped` of them were beyond the month's cap."""

    capped: int = 0


class PointsReversed(CreditFact, frozen=True, kw_only=True):
    """A reversing entry was written; `held` points had still waited."""

    held: int = 0


class PointsRedeemed(CreditFact, frozen=True, kw_only=True):
    """Points became a voucher."""

    voucher: str


class PointsExpired(CreditFact, frozen=True, kw_only=True):
    """Points ran out."""


class VoucherUsed(CreditFact, frozen=True, kw_only=True):
    """A merchant or station took the voucher, once."""

    voucher: str
    used_at: datetime


class ObserverStruck(CreditFact, frozen=True, kw_only=True):
    """A false or staged report: a strike; `strikes` is the count."""

    strikes: int


EVENTS = (
    PointsCredited,
    PointsHeld,
    PointsReleased,
    PointsReversed,
    PointsRedeemed,
    PointsExpired,
    VoucherUsed,
    ObserverStruck,
)
