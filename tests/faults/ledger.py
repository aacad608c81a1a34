"""What the driver of a run knows: whom it got a 202 for, what it did, what it spoiled."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.faults.bus import Raw
from tests.integration.receivers import Receiver

DEFAULT_SEED = 20261124
Kind = Literal["placed", "outside", "placeless", "answered", "direct"]
"""`direct` ones came to the topic `reports` without intake."""


def seed() -> int:
    """`YIZHAN_FAULT_SEED`, else the one of the recorded runs."""
    return int(os.environ.get("YIZHAN_FAULT_SEED", DEFAULT_SEED))


@dataclass(frozen=True)
class Sent:
    """An accepted report. `matter` numbers what it is about: equal for near-duplicates."""

    report_id: str
    kind: Kind
    matter: int | None = None


@dataclass(frozen=True)
class Life:
    """A case that was played to closed: who reported it, who joined, whether it went on."""

    case_id: str
    first: str
    joined: tuple[str, ...]
    reopened: bool


@dataclass
class Ledger:
    """One run's truth; the oracle holds topics and SQL against it."""

    name: str
    seed: int = field(default_factory=seed)
    accepted: dict[str, Sent] = field(default_factory=dict)
    reporters: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)
    lives: list[Life] = field(default_factory=list)
    timelines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    receiver: Receiver | None = None
    secret: str = ""
    withdrawn: set[str] = field(default_factory=set)
    poison: list[Raw] = field(default_factory=list)
    refused_by_sql: list[Raw] = field(default_factory=list)
    """F21: poison to those who keep a report's text."""
    faults: list[str] = field(default_factory=list)
    kills: int = 0
    bad_answers: list[str] = field(default_factory=list)
    retries: int = 0
    started_at: float = field(default_factory=time.monotonic)

    @property
    def closed(self) -> int:
        """Cases that were played to their end."""
        return len(self.lives)

    def rng(self, salt: str) -> random.Random:
        """Randomness of its own for each part, so that parts do not disturb each other."""
        return random.Random(f"{self.seed}/{self.name}/{salt}")

    def fault(self, what: str, kills: int = 0) -> None:
        """Says and keeps what was done, with its time in the run."""
        line = f"{time.monotonic() - self.started_at:6.1f} s  {what}"
        self.faults.append(line)
        self.kills += kills
        print(f"    {line}", flush=True)

    def matters(self) -> Iterator[tuple[int, set[str]]]:
        """Each matter with the reports about it."""
        found: dict[int, set[str]] = {}
        for sent in self.accepted.values():
            if sent.matter is not None:
                found.setdefault(sent.matter, set()).add(sent.report_id)
        yield from found.items()
