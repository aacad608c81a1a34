"""Cases and what dispatch and intake tell, as other services get them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from contracts.cases import Case, CaseClocks, CaseFact, CaseReport
from contracts.envelope import encode
from contracts.facts import SYSTEM, Actor, Fact, new_event
from contracts.observers import ObserverConfirmed, ObserverFact
from contracts.places import Place
from runtime.deadletters import Message

NOW = datetime.now(UTC).replace(microsecond=0)
"""Near the inbox's horizon in both directions: the day of the run."""
OFFSETS = itertools.count()


def case(reporters: Sequence[str], **more: Any) -> Case:
    """A closed case of an overflowing bin; the first reporter opened it."""
    case_id = str(uuid4())
    fields: dict[str, Any] = {
        "id": case_id,
        "code": "T3STC0DE1",
        "state": "closed",
        "seq": 9,
        "revision": 6,
        "round": 1,
        "place": Place(lat=34.2245, lon=108.9470),
        "cell": "89408859843ffff",
        "family": "bins",
        "opened_at": NOW - timedelta(hours=8),
        "updated_at": NOW,
        "closed_at": NOW,
        "clocks": CaseClocks(accept_by=NOW, resolve_by=NOW),
        "category": "06042",
        "reports": tuple(
            CaseReport(report_id=str(uuid4()), reporter_id=each, joined_at=NOW)
            for each in reporters
        ),
    }
    return Case(**fields | more)


def told(fact: type[CaseFact], of: Case, at: datetime = NOW, **more: Any) -> Message:
    """The record of dispatch's event about that case."""
    body = fact(case=of, by=SYSTEM, **more)
    report_id = of.reports[0].report_id if of.reports else "none"
    return record(body, "dispatch", of.id, of.seq, at, report_id)


def observer(
    fact: type[ObserverFact], reporter_id: str, seq: int, at: datetime = NOW, **more: Any
) -> Message:
    """The record of intake's event about that reporter."""
    body = fact(reporter_id=reporter_id, by=Actor("operator", "somebody"), **more)
    return record(body, "intake", reporter_id, seq, at, reporter_id)


def confirmed(reporter_id: str, seq: int = 2) -> Message:
    """The record of a confirmed registration."""
    return observer(
        ObserverConfirmed, reporter_id, seq, registration_id="r", community="610102001003"
    )


def record(
    body: Fact, source: str, subject: str, seq: int, at: datetime, correlation_id: str
) -> Message:
    """As it comes from Kafka."""
    event = new_event(
        body,
        source=source,
        subject=subject,
        seq=seq,
        occurred_at=at,
        correlation_id=correlation_id,
    )
    found = encode(event)
    headers = tuple((name, text.encode()) for name, text in found.headers.items())
    return Message(found.topic, 0, next(OFFSETS), found.key, headers, found.value)
