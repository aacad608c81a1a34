"""The oracle of the points: what the driver played, against the ledger and the topic `credits`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from cities.load import load_city
from tests.faults.evidence import Evidence
from tests.faults.ledger import Ledger
from tests.faults.places import CATEGORY
from tests.faults.verdict import Sql, Verdict

Key = tuple[str, str, str, int]
"""Case, reporter, reason, round."""

CLAIMS = """
select subject_id, reporter_id, reason, round, state, points from rewards.claims
where reporter_id = any ($1)
"""
ACCOUNTS = """
select a.reporter_id, a.balance, a.pending,
       coalesce(sum(l.points), 0) as points, coalesce(sum(l.pending), 0) as waiting
from rewards.accounts a left join rewards.ledger l using (reporter_id)
where a.reporter_id = any ($1) group by a.reporter_id
"""
FACTS = {
    "credited": ({"PointsCredited"}, {"PointsHeld", "PointsReleased"}),
    "held": ({"PointsHeld"},),
    "reversed": (
        {"PointsCredited", "PointsReversed"},
        {"PointsHeld", "PointsReversed"},
        {"PointsHeld", "PointsReleased", "PointsReversed"},
    ),
}
"""The facts that may have led to a claim's state, each once."""


def due(ledger: Ledger) -> Iterator[tuple[Key, str, int]]:
    """By the city's rules: every key with the state that it ends in and its points."""
    city = load_city("xian")
    for life in ledger.lives:
        shares = [(life.first, "first-report", city.points(CATEGORY))]
        shares += [(each, "joined-report", city.rewards.joined) for each in life.joined]
        for reporter, reason, points in shares:
            state = "credited" if reporter in ledger.confirmed else "held"
            key = (life.case_id, reporter, reason, 1)
            yield key, "reversed" if life.reopened else state, points


async def judge(sql: Sql, verdict: Verdict, ledger: Ledger, evidence: Evidence) -> None:
    """I1: credited = due. I2: no key twice; each balance = sum of the ledger = what is due."""
    people = sorted(ledger.reporters)
    expected = {key: (state, points) for key, state, points in due(ledger)}
    found = {
        (row["subject_id"], row["reporter_id"], row["reason"], row["round"]): (
            row["state"],
            row["points"],
        )
        for row in await sql(CLAIMS, people)
    }
    for key in expected.keys() | found.keys():
        if expected.get(key) != found.get(key):
            verdict.breach("I1", f"points {key}: {found.get(key)}, due {expected.get(key)}")
    _on_topic(verdict, expected, evidence, ledger)
    cap = load_city("xian").rewards.month_cap
    for row in await sql(ACCOUNTS, people):
        own = [value for key, value in expected.items() if key[1] == row["reporter_id"]]
        balance = min(cap, sum(points for state, points in own if state == "credited"))
        pending = sum(points for state, points in own if state == "held")
        if not (row["balance"] == row["points"] == balance):
            verdict.breach("I2", f"balance {row['balance']}, lines {row['points']}, due {balance}")
        if not (row["pending"] == row["waiting"] == pending):
            verdict.breach("I2", f"pending {row['pending']}, lines {row['waiting']}, due {pending}")
    verdict.counts["credited"] = sum(state == "credited" for state, _ in expected.values())


def _on_topic(
    verdict: Verdict, expected: dict[Key, tuple[str, int]], evidence: Evidence, ledger: Ledger
) -> None:
    facts: dict[Key, Counter[str]] = {}
    sums: Counter[str] = Counter()
    balances: dict[str, tuple[int, int]] = {}
    for record in evidence.on("credits"):
        body, kind = json.loads(record.value or b"{}"), record.header("ce_type")
        reporter = body["reporter_id"]
        key = (body["subject_id"], reporter, body["reason"], body["round"])
        facts.setdefault(key, Counter())[kind] += 1
        if kind != "PointsHeld":
            sums[reporter] += body["points"]
        seq = int(record.header("ce_seq"))
        balances[reporter] = max(balances.get(reporter, (0, 0)), (seq, body["balance"]))
    for key, (state, _) in expected.items():
        told = facts.get(key, Counter())
        if max(told.values(), default=0) > 1 or set(told) not in FACTS[state]:
            verdict.breach("I2", f"{state} points {key} were told as {dict(told)}")
    for key in facts.keys() - expected.keys():
        if key[1] in ledger.reporters:
            verdict.breach("I2", f"points {key} are on the topic and not due")
    for reporter, (_, balance) in balances.items():
        if balance != sums[reporter]:
            verdict.breach("I2", f"topic: balance {balance}, sum {sums[reporter]}")
