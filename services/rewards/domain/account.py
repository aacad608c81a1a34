"""What is known of a reporter: standing, balance, months, claims; and the ledger's lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from contracts.facts import EVENT_NAMESPACE
from services.rewards.domain.dues import Key, Reason

HeldFor = Literal["registration", "review"]
ClaimState = Literal["held", "credited", "struck", "void", "reversed"]
"""`void`: the person could not earn then (suspended, erased). `reversed` is the end of a round."""


@dataclass(frozen=True)
class Account:
    """One reporter. `seq` counts the events that left about them; the `_seq`s what was heard."""

    reporter_id: str
    confirmed: bool = False
    registration_seq: int = 0
    suspended: bool = False
    suspension_seq: int = 0
    erased: bool = False
    balance: int = 0
    pending: int = 0
    strikes: int = 0
    seq: int = 0

    @property
    def may_earn(self) -> bool:
        return not (self.suspended or self.erased)


@dataclass(frozen=True)
class Month:
    """What a reporter has a right to in a local month (`2026-11`), and the most that counts.

    What counts is a function of the sum, so the order of credits and reversals does not matter.
    """

    reporter_id: str
    month: str
    cap: int
    due: int = 0

    @property
    def counts(self) -> int:
        return min(self.cap, self.due)


@dataclass(frozen=True)
class Claim:
    """What became of one business key."""

    key: Key
    points: int
    state: ClaimState
    month: str
    earned_at: datetime
    report_id: str
    held_for: HeldFor | None = None

    @property
    def id(self) -> UUID:
        return claim_id(self.key)


@dataclass(frozen=True)
class Entry:
    """A line of the ledger, never changed.

    `points` change the balance, `pending` what waits, `due` the month's sum before its cap.
    """

    key: Key
    step: ClaimState
    points: int
    pending: int
    due: int
    month: str
    at: datetime
    balance: int
    report_id: str
    by: str

    @property
    def reason(self) -> str:
        """The third part of the ledger's unique key: each step of a claim once a round."""
        suffix = f"-{self.step}" if self.step in ("held", "reversed") else ""
        return self.key.reason + suffix


def claim_id(key: Key) -> UUID:
    """The same in every run."""
    return uuid5(
        EVENT_NAMESPACE, f"claim:{key.subject_id}:{key.reporter_id}:{key.reason}:{key.round}"
    )


__all__ = ["Account", "Claim", "ClaimState", "Entry", "HeldFor", "Key", "Month", "Reason"]
