"""What the acts share: the running product, its people, and what they have done so far."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cities.areas import Areas
from contracts.city import City
from yizhan.demo.live import Live
from yizhan.demo.people import Person, Reporter
from yizhan.demo.product import Product
from yizhan.demo.raw import Witness
from yizhan.demo.receiver import VerifyingReceiver
from yizhan.demo.scenes import Scene
from yizhan.demo.screen import Screen


@dataclass
class Sent:
    """A report that was accepted; `case` once there is one, as its first event carries it."""

    scene: Scene
    report_id: str
    reporter: Reporter
    case: dict[str, Any] = field(default_factory=dict)

    @property
    def case_id(self) -> str:
        """The id of the case that it opened or joined."""
        return str(self.case["id"])


@dataclass
class Stage:
    """Handlers and queues by community code, sent reports by the scene's key."""

    product: Product
    screen: Screen
    city: City
    areas: Areas
    witness: Witness
    operator: Person
    receiver: VerifyingReceiver
    crowd_size: int
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    """Beside the play: witness and live streams; one that fails ends the demo."""
    handlers: dict[str, Person] = field(default_factory=dict)
    queues: dict[str, Live] = field(default_factory=dict)
    inboxes: dict[str, Live] = field(default_factory=dict)
    """The scene's key -> its reporter's notices, live."""
    webhooks: dict[str, str] = field(default_factory=dict)
    """Path at the receiver -> id of the webhook."""
    sent: dict[str, Sent] = field(default_factory=dict)
    crowd: dict[str, str] = field(default_factory=dict)
    """Report id -> the community that has to get it."""
    seen: dict[str, str] = field(default_factory=dict)
    """The scene's key -> what its reporter sees in the end."""
    timelines: dict[str, Counter[str]] = field(default_factory=dict)
    """The scene's key -> lines in its reporter's timeline, by what they are about."""
    neighbour: tuple[str, Reporter] | None = None
    """Id and phone of who asked to hear of bins in the area of one."""
    neighbour_heard: list[str] = field(default_factory=list)
    """The types of the events that they were told of, in order."""
    waiting: dict[str, Any] = field(default_factory=dict)
    """The registration that is decided late."""
    refused_elsewhere: int = 0
    points: dict[str, tuple[tuple[int, int], int]] = field(default_factory=dict)
    """The scene's key -> ((balance, pending), lines of the ledger) as its reporter sees them."""
    told: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """The scene's key -> (id, type) of every notice in its reporter's inbox."""
    read: int = 0
    forgeries: list[bool] = field(default_factory=list)
    """Whether the receiver would have believed them."""
    retries: list[tuple[str, str]] = field(default_factory=list)
    """Ids of a report and of its repetition with the same key."""

    def community(self, code: str | None) -> str:
        """Name, street and code for people."""
        if code is None:
            return "-"
        found = self.areas.communities[code]
        return f"{found.street}{found.name} ({code})"

    def category(self, code: str | None) -> str:
        """Name and code for people."""
        found = self.city.category(code)
        return f"{found.name.zh} {found.code}" if found else "未分类 uncategorised"

    def local(self, iso: str) -> str:
        """An event's instant on the city's clock."""
        return self.screen.local(datetime.fromisoformat(iso))
