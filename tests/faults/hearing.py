"""The oracle of the notices: who had to hear what, against inboxes, topic and a receiver's log."""

from __future__ import annotations

import json
from collections import Counter

from standardwebhooks.webhooks import Webhook

from tests.faults.evidence import Evidence
from tests.faults.verdict import Sql, Verdict
from tests.integration.receivers import Receiver
from yizhan.demo.hearing import HEARS, Pair, differences, has_to_hear

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
    expected: set[Pair] = set()
    events: list[str] = []
    for topic in ("observers", "reports", "cases", "credits"):
        for record in evidence.on(topic):
            event, kind = record.header("ce_id"), record.header("ce_type")
            events.append(event)
            if kind in HEARS:
                expected |= has_to_hear(event, kind, json.loads(record.value or b"{}"))
    rows = await sql(HEARD, events)
    _compare(verdict, "inbox", expected, Counter({(r[0], r[1]): r["n"] for r in rows}))
    told: Counter[Pair] = Counter()
    for record in evidence.on("notices"):
        body = json.loads(record.value or b"{}")
        if body["channel"] == "inbox" and record.header("ce_type") == "NoticeDelivered":
            told[(body["event_id"], body["recipient_id"])] += 1
    _compare(verdict, "topic", expected, told)
    for row in await sql(NUMBERS):
        verdict.breach("I6", f"the numbers in the inbox of {row['recipient']} have a gap")
    verdict.counts["notices"] = len(expected)


def _compare(verdict: Verdict, where: str, expected: set[Pair], found: Counter[Pair]) -> None:
    for each, times in differences(expected, found):
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
