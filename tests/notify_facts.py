"""Facts as dispatch, rewards and intake tell them, for the tests of notify."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from contracts.cases import Case, CaseClocks, CaseFact, CaseReport
from contracts.facts import Actor, Event, Fact, new_event
from contracts.places import Place
from contracts.topics import TOPIC_OF

AT = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
COMMUNITY = "610113001002"
SEQS = itertools.count(1)


def case(**more: Any) -> Case:
    """An assigned case of one report about a full bin."""
    reports = more.pop("reporters", None) or ("r-1",)
    fields: dict[str, Any] = {
        "id": str(uuid4()),
        "code": "YZ26-7K3M",
        "state": "assigned",
        "seq": 2,
        "revision": 2,
        "round": 1,
        "place": Place(lat=34.2245, lon=108.9470),
        "cell": "893181a0a6fffff",
        "family": "bins",
        "opened_at": AT,
        "updated_at": AT,
        "clocks": CaseClocks(
            accept_by=datetime(2026, 11, 24, 2, 0, tzinfo=UTC),
            resolve_by=datetime(2026, 11, 24, 5, 30, tzinfo=UTC),
        ),
        "reports": tuple(
            CaseReport(report_id=f"report-of-{each}", reporter_id=each, joined_at=AT)
            for each in reports
        ),
        "community": COMMUNITY,
        "category": "06042",
        "text": "垃圾桶满了，我叫张三",
    }
    return Case(**fields | more)


def about(fact: type[CaseFact], of: Case | None = None, **more: Any) -> CaseFact:
    """A fact about a case, done by a handler."""
    return fact(case=of or case(), by=Actor("handler", "h-1"), **more)


def event(body: Fact, subject: str = "", at: datetime | None = None) -> Event:
    """The fact in the envelope of its producer."""
    if isinstance(body, CaseFact):
        subject = subject or body.case.id
    return new_event(
        body,
        source=TOPIC_OF[type(body)].producer,
        subject=subject or body.key(),
        seq=next(SEQS),
        occurred_at=at or datetime.now(UTC),
        correlation_id=str(uuid4()),
    )
