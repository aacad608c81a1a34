"""What really happened, gathered from outside: raw topic bytes, and SQL as the superuser."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from contracts.topics import TOPICS
from yizhan.demo.raw import Raw, read_all
from yizhan.demo.stage import Stage
from yizhan.environment import present_services
from yizhan.trouble import Trouble

QUIET_S = 60.0
POLL_S = 0.1


@dataclass
class Evidence:
    """Every event once, as its first record tells it; `sql` answers with one number.

    `repeated` counts further records of an event: at least once is the promise of the wire.
    """

    stage: Stage
    records: list[Raw]
    repeated: int
    types: Counter[str]
    connection: psycopg.Connection[tuple[int]]

    def sql(self, query: str) -> int:
        """The one number of a query."""
        row = self.connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])

    def in_each_schema(self, query: str) -> int:
        """The sum over the services; `{}` stands for the schema."""
        return sum(self.sql(query.format(service)) for service in present_services())

    def broken_orders(self) -> int:
        """Cases whose events are not 1, 2, 3, … in the order of their partition."""
        lines: dict[str, list[int]] = defaultdict(list)
        for each in sorted(self.of("cases"), key=lambda raw: (raw.partition, raw.offset)):
            lines[each.headers["ce_subject"]].append(int(each.headers["ce_seq"]))
        return sum(found != list(range(1, len(found) + 1)) for found in lines.values())

    def of(self, topic: str) -> list[Raw]:
        """The records of one topic."""
        return [each for each in self.records if each.topic == topic]

    def rightly_owned(self) -> int:
        """Opened cases whose first owner is the community that the table of scenes (or the
        crowd's draw) says."""
        wanted = dict(self.stage.crowd)
        wanted |= {s.report_id: s.scene.community or "" for s in self.stage.sent.values()}
        owners = {r.chain: r.case["community"] for r in self.of("cases") if _seq(r) == 2}
        return sum(wanted.get(report) == owner for report, owner in owners.items())

    def rightly_asked(self) -> int:
        """Questions for the place of the one report that had none. (A slow machine may ask for a
        photo's, too, when it is read later than two seconds.)"""
        asked = (r for r in self.of("reports") if r.type == "PlaceAsked")
        return sum(r.chain == self.stage.sent["smoke"].report_id for r in asked)

    def rightly_filed(self) -> int:
        """Scenes that were normalised with the category that their table says."""
        filed = {
            r.body["report_id"]: r.body.get("category")
            for r in self.of("reports")
            if r.type == "ReportNormalised"
        }
        return sum(
            sent.report_id in filed and filed[sent.report_id] == sent.scene.category
            for sent in self.stage.sent.values()
        )

    def right_clocks(self) -> int:
        """Round-the-clock scenes whose first limit to resolve is opening + hours, to the second."""
        hours = {"lamp": 48, "manhole": 6, "water": 4}
        found = 0
        for key, limit in hours.items():
            case = self.stage.sent[key].case
            opened = datetime.fromisoformat(case["opened_at"])
            due = datetime.fromisoformat(case["clocks"]["resolve_by"])
            found += abs(due - opened - timedelta(hours=limit)) < timedelta(seconds=1)
        return found


def _seq(raw: Raw) -> int:
    """The event's number within its subject."""
    return int(raw.headers["ce_seq"])


def gather(stage: Stage, connection: psycopg.Connection[tuple[int]]) -> Evidence:
    """Waits until nothing is on its way, then reads everything from offset zero."""
    found = Evidence(stage, [], 0, Counter(), connection)
    _until_quiet(found)
    records = asyncio.run(read_all(stage.product.kafka, topics()))
    records.sort(key=lambda raw: (raw.topic, raw.partition, raw.offset))
    first: dict[str, Raw] = {}
    for each in records:
        first.setdefault(each.headers["ce_id"], each)
    found.records = list(first.values())
    found.repeated = len(records) - len(first)
    found.types = Counter(each.type for each in found.records)
    return found


def topics() -> Sequence[str]:
    """All topics by name."""
    return [topic.name for topic in TOPICS]


def _until_quiet(found: Evidence) -> None:
    deadline = time.monotonic() + QUIET_S
    while found.in_each_schema(
        "select (select count(*) from {0}.outbox where sent_at is null)"
        " + (select count(*) from {0}.jobs where not given_up)"
    ):
        if time.monotonic() > deadline:
            raise Trouble(f"something was still on its way after {QUIET_S:.0f} s")
        time.sleep(POLL_S)
