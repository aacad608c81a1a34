"""Booking: each step writes a ledger line, moves the balance with it, and says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.city import Rewards
from contracts.credits import (
    CreditFact,
    ObserverStruck,
    PointsCredited,
    PointsHeld,
    PointsReleased,
    PointsReversed,
)
from services.rewards.domain.account import Account, Claim, ClaimState, Entry, HeldFor, Month
from services.rewards.domain.dues import Due, Key

BY_RULE = "system"


@dataclass(frozen=True)
class Booked:
    """A fact with the reporter's sequence number and the report that its chain began with."""

    fact: CreditFact
    seq: int
    report_id: str


@dataclass
class Book:
    """The accounts that a transaction holds locked, and what it did to them."""

    rewards: Rewards
    zone: ZoneInfo
    now: datetime
    accounts: dict[str, Account] = field(default_factory=dict)
    months: dict[tuple[str, str], Month] = field(default_factory=dict)
    claims: dict[Key, Claim] = field(default_factory=dict)
    by: str = BY_RULE
    entries: list[Entry] = field(default_factory=list)
    changed: set[Key] = field(default_factory=set)
    _booked: list[Booked] = field(default_factory=list)

    def booked(self) -> list[Booked]:
        """The facts since the last call, in order."""
        found, self._booked = self._booked, []
        return found

    def enter(self, due: Due) -> None:
        """Credits, holds, strikes or voids what is due; a known key changes nothing."""
        if due.key in self.claims:
            return
        account = self.accounts[due.reporter_id]
        month = local_month(due.earned_at, self.zone)
        claim = Claim(due.key, due.points, "void", month, due.earned_at, due.report_id)
        if account.erased:
            self._write(claim, "void")
        elif due.reason == "false-report":
            self._strike(claim)
        elif not account.may_earn:
            self._write(claim, "void")
        elif not account.confirmed:
            self._hold(claim, "registration")
        elif self._is_flagged(account):
            self._hold(claim, "review")
        else:
            self._credit(claim)

    def reverse(self, key: Key) -> None:
        """Takes back what the key gave; final in its round."""
        claim = self.claims[key]
        reporter = key.reporter_id
        if claim.state == "struck":
            account = self.accounts[reporter]
            self.accounts[reporter] = replace(account, strikes=account.strikes - 1)
            entry = self._write(claim, "reversed")
        elif claim.state == "held":
            entry = self._write(claim, "reversed", pending=-claim.points)
        elif claim.state == "credited":
            entry = self._write(claim, "reversed", due=-claim.points)
        else:
            return
        self._say(PointsReversed, entry, held=-entry.pending)

    def release(self, key: Key) -> None:
        """What was held becomes real."""
        claim = self.claims[key]
        if claim.state == "held":
            entry = self._write(claim, "credited", due=claim.points, pending=-claim.points)
            self._say(PointsReleased, entry, capped=claim.points - entry.points)

    def settle(self, reporter_id: str) -> None:
        """After news of a reporter: what only waited for the registration goes on."""
        account = self.accounts[reporter_id]
        if not account.confirmed or not account.may_earn:
            return
        for key in self._waiting(reporter_id):
            if self._is_flagged(account):
                self.claims[key] = replace(self.claims[key], held_for="review")
                self.changed.add(key)
            else:
                self.release(key)

    def waiting_dues(self, reporter_id: str) -> list[Due]:
        """What only waits for this reporter's registration, as it was due."""
        claims = [self.claims[key] for key in self._waiting(reporter_id)]
        return [
            Due(
                claim.key.subject_id,
                claim.key.reporter_id,
                claim.key.reason,
                claim.key.round,
                claim.points,
                claim.earned_at,
                claim.report_id,
            )
            for claim in claims
        ]

    def _waiting(self, reporter_id: str) -> Iterable[Key]:
        found = [
            claim
            for key, claim in self.claims.items()
            if key.reporter_id == reporter_id and claim.held_for == "registration"
        ]
        return [
            claim.key
            for claim in sorted(found, key=lambda claim: (claim.earned_at, claim.key))
            if claim.state == "held"
        ]

    def _is_flagged(self, account: Account) -> bool:
        return account.strikes >= self.rewards.flag_at

    def _credit(self, claim: Claim) -> None:
        entry = self._write(claim, "credited", due=claim.points)
        self._say(PointsCredited, entry, capped=claim.points - entry.points)

    def _hold(self, claim: Claim, held_for: HeldFor) -> None:
        held = replace(claim, held_for=held_for)
        entry = self._write(held, "held", pending=claim.points)
        self._say(PointsHeld, replace(entry, points=claim.points))

    def _strike(self, claim: Claim) -> None:
        account = self.accounts[claim.key.reporter_id]
        self.accounts[account.reporter_id] = replace(account, strikes=account.strikes + 1)
        entry = self._write(claim, "struck")
        self._say(ObserverStruck, entry, strikes=account.strikes + 1)

    def _write(self, claim: Claim, step: ClaimState, *, due: int = 0, pending: int = 0) -> Entry:
        """The one place where a balance changes: with its ledger line."""
        key = claim.key
        account = self.accounts[key.reporter_id]
        points = self._count(key.reporter_id, claim.month, due)
        balance = account.balance + points
        self.accounts[key.reporter_id] = replace(
            account, balance=balance, pending=account.pending + pending
        )
        self.claims[key] = replace(claim, state=step)
        self.changed.add(key)
        entry = Entry(
            key,
            step,
            points,
            pending,
            due,
            claim.month,
            self.now,
            balance,
            claim.report_id,
            self.by,
        )
        self.entries.append(entry)
        return entry

    def _count(self, reporter_id: str, month: str, due: int) -> int:
        """How the balance changes when the month's sum changes by `due`."""
        if due == 0:
            return 0
        at = reporter_id, month
        before = self.months.get(at) or Month(reporter_id, month, self.rewards.month_cap)
        after = replace(before, due=before.due + due)
        self.months[at] = after
        return after.counts - before.counts

    def _say(self, fact: type[CreditFact], entry: Entry, **more: Any) -> None:
        key = entry.key
        account = self.accounts[key.reporter_id]
        seq = account.seq + 1
        self.accounts[key.reporter_id] = replace(account, seq=seq)
        body = fact(
            reporter_id=key.reporter_id,
            subject_id=key.subject_id,
            reason=key.reason,
            round=key.round,
            points=entry.points,
            balance=entry.balance,
            **more,
        )
        self._booked.append(Booked(body, seq, entry.report_id))


def local_month(at: datetime, zone: ZoneInfo) -> str:
    """`2026-11`: the month on the city's calendar."""
    return at.astimezone(zone).strftime("%Y-%m")
