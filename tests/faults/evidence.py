"""What the topics of a run say, taken from their raw bytes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from tests.faults.bus import Raw
from tests.faults.ledger import Ledger


@dataclass
class Evidence:
    """Distinct events; a repeat of an event on a topic is counted, not kept."""

    records: int = 0
    by_topic: dict[str, list[Raw]] = field(default_factory=dict)
    two_contents: list[str] = field(default_factory=list)
    cases: dict[str, list[Raw]] = field(default_factory=dict)
    into_case: dict[str, set[str]] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    joined: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    normalised: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, records: Sequence[Raw], ledger: Ledger) -> Self:
        """Reads the records in order; poison is known by its bytes and left out."""
        found = cls(records=len(records))
        poison = Counter(each.content() for each in (*ledger.poison, *ledger.refused_by_sql))
        seen: dict[str, Raw] = {}
        for record in records:
            if poison[record.content()]:
                poison[record.content()] -= 1
                continue
            event = record.header("ce_id")
            if (first := seen.get(event)) is not None:
                if first.value != record.value:
                    found.two_contents.append(event)
                continue
            seen[event] = record
            found.by_topic.setdefault(record.topic, []).append(record)
            found._take(record)
        return found

    def _take(self, record: Raw) -> None:
        kind, subject = record.header("ce_type"), record.header("ce_subject")
        simple = {
            "ReportRefused": self.refused,
            "PlaceAsked": self.asked,
            "ReportNormalised": self.normalised,
        }
        if kind in simple:
            simple[kind].add(subject)
        if record.topic == "cases":
            self.cases.setdefault(subject, []).append(record)
            if kind in ("CaseOpened", "ReportJoined", "CaseWithdrawn"):
                self._take_case(record, kind)

    def _take_case(self, record: Raw, kind: str) -> None:
        body = json.loads(record.value or b"{}")
        if kind == "CaseWithdrawn":
            self.withdrawn |= {each["report_id"] for each in body["case"]["reports"]}
            return
        report = body["report_id"]
        (self.opened if kind == "CaseOpened" else self.joined).add(report)
        self.into_case.setdefault(report, set()).add(record.header("ce_id"))

    def on(self, topic: str) -> list[Raw]:
        """The distinct events of a topic, in the order of each partition."""
        return self.by_topic.get(topic, [])

    def ways(self) -> dict[str, set[str]]:
        """Where each report went, by the topics."""
        return {
            "opened": self.opened - self.withdrawn,
            "joined": self.joined - self.withdrawn,
            "refused": self.refused,
            "waiting": self.asked - self.normalised - self.refused,
            "withdrawn": self.withdrawn,
        }
