"""What news of an observer does to their standing; late news of the same kind changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from contracts.facts import Fact
from contracts.observers import (
    ObserverConfirmed,
    ObserverErased,
    ObserverRefused,
    ObserverRegistered,
    ObserverReinstated,
    ObserverSuspended,
)
from services.rewards.domain.account import Account


def _registration(confirmed: bool) -> Callable[[Account, int], Account]:
    def told(account: Account, seq: int) -> Account:
        if seq <= account.registration_seq:
            return account
        return replace(account, confirmed=confirmed, registration_seq=seq)

    return told


def _suspension(suspended: bool) -> Callable[[Account, int], Account]:
    def told(account: Account, seq: int) -> Account:
        if seq <= account.suspension_seq:
            return account
        return replace(account, suspended=suspended, suspension_seq=seq)

    return told


def _erased(account: Account, seq: int) -> Account:
    return replace(account, erased=True)


TABLE: dict[type[Fact], Callable[[Account, int], Account]] = {
    ObserverRegistered: _registration(False),
    ObserverConfirmed: _registration(True),
    ObserverRefused: _registration(False),
    ObserverSuspended: _suspension(True),
    ObserverReinstated: _suspension(False),
    ObserverErased: _erased,
}
"""DeviceLinked is no matter of standing: it moves what waits (handlers.linked)."""
