"""What must have happened after the last act, exactly once: one table, counted from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import eq

from yizhan.demo.earning import EARNERS
from yizhan.demo.evidence import Evidence
from yizhan.demo.fixed_clock import ROWS, found
from yizhan.demo.hearing import TO_NEIGHBOUR
from yizhan.demo.scenes import CASES, ENDS

OWN = len(CASES)
LINES = 61
"""Events of the scenes' cases: the sum of the rows from CaseOpened to CaseRefused."""
KNOWN_TOPICS = ("submissions", "reports", "cases")
BALANCES = sum(earner.end[0] for earner in EARNERS.values())
PENDING = sum(earner.end[1] for earner in EARNERS.values())
LEDGER = sum(earner.lines for earner in EARNERS.values())
TOLD_OF_CASES = 36
"""Notices to the scenes' reporters: opened 7, report refused 1, joined 1, accepted 8, resolved 9,
closed 8, reopened 1, refused 1; the bin's go to two people."""
TOLD = TOLD_OF_CASES + LEDGER + 6
"""And of every line of the ledger, and of six decisions on registrations."""
TOLD_SUBSCRIBER = len(TO_NEIGHBOUR)
TOLD_STAFF = 22
"""Assigned 8, confirmed 4, disputed 2 (operators, too), reopened 1, returned 1, registered 6."""
DELIVERIES = 16
"""Ends 9: closed 7, reopened 1, refused 1. The bin's own steps: 7."""


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
    _events("CaseAccepted", 7),  # the manhole twice
    _events("CaseStarted", 8),  # the lamp twice, too
    _events("CaseResolved", 8),
    _events("CaseReturned", 1),
    _events("CaseDisputed", 1),
    _events("CaseConfirmed", 4),
    _events("CaseVerified", 7),
    _events("CaseClosed", 7),
    _events("CaseReopened", 1),
    _events("CaseRefused", 1),
    Expectation(
        "kafka",
        "all events of submissions, reports, cases but PlaceAsked",
        18 + LINES,
        lambda e: sum(len(e.of(topic)) for topic in KNOWN_TOPICS) - e.types["PlaceAsked"],
        4,
    ),
    _events("ObserverRegistered", 6),
    _events("ObserverConfirmed", 5),
    _events("ObserverRefused", 1),
    _events("PointsHeld", 4),
    _events("PointsCredited", 4),
    _events("PointsReleased", 2),
    _events("PointsReversed", 1),
    Expectation("kafka", "all events of credits", LEDGER, lambda e: len(e.of("credits"))),
    Expectation("kafka", "points on topic credits, added up", BALANCES, Evidence.credited_points),
    Expectation("kafka", "notices to people", TOLD + TOLD_SUBSCRIBER, Evidence.told_reporters, 1),
    Expectation(
        "kafka", "notices to communities and operators", TOLD_STAFF, Evidence.told_staff, 1
    ),
    Expectation("kafka", "webhooks told of on topic notices", DELIVERIES, Evidence.told_machines),
    Expectation("kafka", "notices missing, twice, or for the wrong one", 0, Evidence.wrongly_told),
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
    Expectation(
        "http",
        "registrations elsewhere as well that were refused",
        1,
        lambda e: e.stage.refused_elsewhere,
    ),
    Expectation(
        "http",
        "reporters whose points, pending points and lines are right",
        len(EARNERS),
        lambda e: sum(
            e.stage.points.get(key) == (earner.end, earner.lines) for key, earner in EARNERS.items()
        ),
    ),
    Expectation("http", "points in the reporters' timelines", LEDGER, lambda e: e.lines("points")),
    Expectation("http", "notices in reporters' inboxes", TOLD, Evidence.in_inboxes),
    Expectation("http", "inboxes whose live stream told the same", len(ENDS), Evidence.same_live),
    Expectation(
        "http",
        "notices to who subscribed: new, closed",
        TOLD_SUBSCRIBER,
        lambda e: sum(map(eq, e.stage.neighbour_heard, TO_NEIGHBOUR)),
    ),
    _sql("subscriptions", "select count(*) from notify.subscriptions", 1),
    Expectation("http", "notices read", 1, lambda e: e.stage.read),
    Expectation("hook", "deliveries whose signature holds", DELIVERIES, Evidence.deliveries),
    Expectation(
        "hook", "deliveries missing, or under two ids or bodies", 0, Evidence.wrongly_delivered
    ),
    Expectation("hook", "requests refused", 0, lambda e: len(e.stage.receiver.refused)),
    Expectation("hook", "forgeries believed, of three", 0, lambda e: sum(e.stage.forgeries)),
    Expectation("hook", "deliveries that name a person", 0, Evidence.persons_in_deliveries),
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
        17,
    ),
    _sql("lines in the ledger", "select count(*) from rewards.ledger", LEDGER),
    _sql("points in balances", "select sum(balance) from rewards.accounts", BALANCES),
    _sql("points that wait", "select sum(pending) from rewards.accounts", PENDING),
    _sql(
        "accounts that are not the sum of their lines",
        """
        select count(*) from rewards.accounts a where (balance, pending) <> (
            select coalesce(sum(points), 0), coalesce(sum(pending), 0)
            from rewards.ledger where reporter_id = a.reporter_id)
        """,
        0,
    ),
    _sql(
        "notices kept",
        "select count(*) from notify.notices where type <> 'PlaceAsked'",
        TOLD + TOLD_SUBSCRIBER + TOLD_STAFF,
        2,
    ),
    Expectation("sql", "notices missing or for the wrong one", 0, Evidence.wrongly_kept),
    _sql(
        "webhooks delivered",
        "select count(*) from notify.deliveries where state = 'delivered'",
        DELIVERIES,
    ),
    _sql(
        "webhooks not delivered",
        "select count(*) from notify.deliveries where state <> 'delivered'",
        0,
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
