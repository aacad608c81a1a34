"""What must have happened after the last act, exactly once: one table, counted from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from yizhan.demo.evidence import Evidence
from yizhan.demo.fixed_clock import ROWS, found
from yizhan.demo.scenes import CASES, ENDS

OWN = len(CASES)
LINES = 54
"""Events of the scenes' cases: the sum of the rows from CaseOpened to CaseRefused."""
KNOWN_TOPICS = ("submissions", "reports", "cases")


@dataclass(frozen=True)
class Expectation:
    """`expected` is without the crowd; with `each_of_crowd` every one of them adds as many."""

    source: str
    what: str
    expected: int
    count: Callable[[Evidence], int]
    each_of_crowd: int = 0

    def wanted(self, evidence: Evidence) -> int:
        """How many there have to be in this run."""
        return self.expected + self.each_of_crowd * len(evidence.stage.crowd)


def _events(type_: str, expected: int, each_of_crowd: int = 0) -> Expectation:
    return Expectation("kafka", type_, expected, lambda e: e.types[type_], each_of_crowd)


def _sql(what: str, query: str, expected: int, each_of_crowd: int = 0) -> Expectation:
    return Expectation("sql", what, expected, lambda e: e.sql(query), each_of_crowd)


EXPECTATIONS: tuple[Expectation, ...] = (
    _events("ReportSubmitted", 9, 1),
    _events("ReportNormalised", 8, 1),
    Expectation("kafka", "PlaceAsked of the report that had none", 1, Evidence.rightly_asked),
    _events("ReportRefused", 1),
    _events("CaseOpened", OWN, 1),
    _events("CaseAssigned", OWN + 1, 1),  # greenery once more, by the operator
    _events("ReportJoined", 1),
    _events("CaseAccepted", 6),
    _events("CaseStarted", 7),  # the lamp twice
    _events("CaseResolved", 7),
    _events("CaseReturned", 1),
    _events("CaseDisputed", 1),
    _events("CaseConfirmed", 3),
    _events("CaseVerified", 6),
    _events("CaseClosed", 6),
    _events("CaseRefused", 1),
    Expectation(
        "kafka",
        "all events of submissions, reports, cases but PlaceAsked",
        18 + LINES,
        lambda e: sum(len(e.of(topic)) for topic in KNOWN_TOPICS) - e.types["PlaceAsked"],
        4,
    ),
    Expectation("kafka", "cases with events out of order", 0, Evidence.broken_orders),
    Expectation(
        "kafka", "cases first owned by the right community", OWN, Evidence.rightly_owned, 1
    ),
    Expectation("kafka", "scenes filed under the right category", 8, Evidence.rightly_filed),
    Expectation("kafka", "round-the-clock limits right", 3, Evidence.right_clocks),
    Expectation(
        "rules",
        "calendar limits right on a fixed clock",
        len(ROWS),
        lambda e: sum(found(row, e.stage.city) == (row.accept_by, row.resolve_by) for row in ROWS),
    ),
    Expectation(
        "http",
        "repetitions with the same key that gave the same report",
        1,
        lambda e: sum(first == again for first, again in e.stage.retries),
    ),
    Expectation(
        "http",
        "reporters who see the right end of their report",
        len(ENDS),
        lambda e: sum(e.stage.seen.get(key) == end for key, end in ENDS.items()),
    ),
    _sql("reports kept", "select count(*) from intake.reports", 9, 1),
    _sql(
        "reports refused, with the reason",
        "select count(*) from intake.reports where status = 'refused' and refusal = 'outside-city'",
        1,
    ),
    _sql("cases", "select count(*) from dispatch.cases", OWN, 1),
    _sql("cases closed", "select count(*) from dispatch.cases where state = 'closed'", 6),
    _sql("cases refused", "select count(*) from dispatch.cases where state = 'refused'", 1),
    _sql("cases waiting", "select count(*) from dispatch.cases where state = 'assigned'", 0, 1),
    _sql("reports in cases", "select count(*) from dispatch.case_reports", 8, 1),
    _sql(
        "cases with two reports",
        "select count(*) from dispatch.cases where report_count = 2",
        1,
    ),
    _sql("lines in timelines", "select count(*) from dispatch.case_events", LINES, 2),
    _sql(
        "photos served without metadata",
        "select count(*) from intake.media where state = 'served'",
        16,
    ),
    Expectation(
        "sql",
        "dead letters",
        0,
        lambda e: e.in_each_schema("select count(*) from {}.dead_letters"),
    ),
    Expectation(
        "sql",
        "events decided but not sent",
        0,
        lambda e: e.in_each_schema("select count(*) from {}.outbox where sent_at is null"),
    ),
    Expectation(
        "both",
        "outbox rows without a record, or records without a row",
        0,
        lambda e: abs(e.in_each_schema("select count(*) from {}.outbox") - len(e.records)),
    ),
)
