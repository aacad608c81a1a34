"""The oracle of the notices: who had to hear what, against inboxes, topic and a receiver's log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.faults.evidence import Evidence
from tests.faults.verdict import Sql, Verdict
from tests.integration.receivers import Receiver

Body = dict[str, Any]


def reporters(body: Body) -> set[str]:
    """Everybody who reported the case."""
    return {each["reporter_id"] for each in body["case"]["reports"]}


def first(body: Body) -> set[str]:
    """Who reported it first."""
    return {body["case"]["reports"][0]["reporter_id"]}


def joined(body: Body) -> set[str]:
    """Whose report has just joined it."""
    reports = body["case"]["reports"]
    return {e["reporter_id"] for e in reports if e["report_id"] == body["report_id"]}


def owner(body: Body) -> set[str]:
    """The inboxes of the community and of the department that have it."""
    case = body["case"]
    names = ("community", "department")
    return {f"{name}:{case[name]}" for name in names if case.get(name)}


def oneself(body: Body) -> set[str]:
    """The reporter whom the fact is about."""
    return {body["reporter_id"]}


def station(body: Body) -> set[str]:
    """The community that somebody wants to be registered with."""
    return {f"community:{body['community']}"}


HEARS: dict[str, Callable[[Body], set[str]]] = {
    "PlaceAsked": oneself,
    "ReportRefused": oneself,
    "CaseOpened": first,
    "CaseAssigned": owner,
    "ReportJoined": joined,
    "CaseAccepted": reporters,
    "CaseResolved": reporters,
    "CaseConfirmed": owner,
    "CaseClosed": reporters,
    "CaseReopened": lambda body: reporters(body) | owner(body),
    "CaseWithdrawn": owner,
    "PointsCredited": oneself,
    "PointsHeld": oneself,
    "PointsReleased": oneself,
    "PointsReversed": oneself,
    "ObserverRegistered": station,
    "ObserverConfirmed": oneself,
}
"""By hand, for what the runs play: not read from the city's table, which is what is tried here."""

HEARD = """
select event_id::text, recipient, count(*) as n from notify.notices
where event_id::text = any ($1) and channel = 'inbox' group by 1, 2
"""
NUMBERS = """
select recipient from notify.notices group by recipient
having min(seq) <> 1 or max(seq) <> count(*) or count(distinct seq) <> count(*)
"""
WEBHOOK_EVENTS = ("CaseClosed", "CaseReopened")


async def judge(sql: Sql, verdict: Verdict, evidence: Evidence) -> None:
    """I6: each notice once in its inbox and once on the topic; an inbox's numbers have no gap."""
    expected: set[tuple[str, str]] = set()
    events: list[str] = []
    for topic in ("observers", "reports", "cases", "credits"):
        for record in evidence.on(topic):
            event, hears = record.header("ce_id"), HEARS.get(record.header("ce_type"))
            events.append(event)
            if hears is not None:
                expected |= {(event, who) for who in hears(json.loads(record.value or b"{}"))}
    rows = await sql(HEARD, events)
    _compare(verdict, "inbox", expected, Counter({(r[0], r[1]): r["n"] for r in rows}))
    told: Counter[tuple[str, str]] = Counter()
    for record in evidence.on("notices"):
        body = json.loads(record.value or b"{}")
        if body["channel"] == "inbox" and record.header("ce_type") == "NoticeDelivered":
            told[(body["event_id"], body["recipient_id"])] += 1
    _compare(verdict, "topic", expected, told)
    for row in await sql(NUMBERS):
        verdict.breach("I6", f"the numbers in the inbox of {row['recipient']} have a gap")
    verdict.counts["notices"] = len(expected)


def _compare(
    verdict: Verdict,
    where: str,
    expected: set[tuple[str, str]],
    found: Counter[tuple[str, str]],
) -> None:
    for each in expected - found.keys():
        verdict.breach("I6", f"{where}: {each} did not hear")
    for each, times in found.items():
        if each not in expected or times != 1:
            verdict.breach("I6", f"{where}: {each} heard {times} times")


def judge_receiver(verdict: Verdict, evidence: Evidence, there: Receiver, secret: str) -> None:
    """I6: each delivery at least once, one `webhook-id` an event, one body an id, signed."""
    expected = {
        record.header("ce_id")
        for record in evidence.on("cases")
        if record.header("ce_type") in WEBHOOK_EVENTS
    }
    signature = Webhook(secret)
    bodies: dict[str, bytes] = {}
    events: Counter[str] = Counter()
    for request in there.requests:
        signature.verify(request.body, request.headers)
        delivery = request.headers["webhook-id"]
        if delivery not in bodies:
            events[json.loads(request.body)["id"]] += 1
        if bodies.setdefault(delivery, request.body) != request.body:
            verdict.breach("I6", f"delivery {delivery} has two bodies")
    for event in expected - events.keys():
        verdict.breach("I6", f"event {event} never came to the receiver")
    for event, ids in events.items():
        if event not in expected or ids != 1:
            verdict.breach("I6", f"event {event} came to the receiver under {ids} ids")
    verdict.counts["deliveries"] = len(bodies)
