"""The oracle: the invariants I1-I6, counted from raw topic bytes and SQL, held to the ledger."""

from __future__ import annotations

import asyncio
import base64
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec
from aiokafka.errors import KafkaError

from contracts.topics import consumed_by
from tests.faults import credits, hearing
from tests.faults.bus import Bus, Offsets
from tests.faults.evidence import Evidence
from tests.faults.ledger import Ledger
from tests.faults.verdict import Verdict

SETTLE_S = 120.0
POLL_S = 0.25
KEEP_NO_TEXT = {"notify"}
"""Consumers of `reports` that have no use for the text: SQL refuses them nothing (F21)."""
RETRYABLE = (KafkaError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


OUT_OF_REACH = """
update dispatch.cases set active_at = active_at - interval '365 days'
where active_at > clock_timestamp() - interval '100 days'
"""


class Oracle:
    """Sees an installation's servers and nothing of the product's own counting."""

    def __init__(
        self, kafka: str, database: str, services: Sequence[str], *, tally: bool = False
    ) -> None:
        self.bus = Bus(kafka)
        self.database = database
        self._services = tuple(services)
        self._tally = tally

    async def begin(self) -> Offsets:
        """Where the topics end before a run, whose reports join no case of an earlier one."""
        await self.sql(OUT_OF_REACH)
        return await self.bus.ends()

    async def sql(self, query: str, *args: object) -> list[Any]:
        """Rows, as the administrator."""
        connection = await asyncpg.connect(self.database, timeout=10, command_timeout=30)
        try:
            return list(await connection.fetch(query, *args))
        finally:
            await connection.close()

    async def pending(self) -> tuple[dict[str, int], int]:
        """Lag by service and topic; unsent outbox rows and unfinished jobs of all services."""
        lag = await self.bus.lag(self._services)
        unsent = 0
        for service in self._services:
            for table, open_rows in (("outbox", "sent_at is null"), ("jobs", "not given_up")):
                query = f"select count(*) from {service}.{table} where {open_rows}"
                unsent += (await self.sql(query))[0][0]
        return lag, unsent

    async def settle(self, timeout_s: float = SETTLE_S) -> Verdict:
        """Waits until nothing is on its way; at the deadline what is left breaks I3 and I4."""
        verdict, began, quiet = Verdict(), time.monotonic(), 0
        left: object = "nothing answered"
        while quiet < 2 and time.monotonic() - began < timeout_s:
            try:
                lag, verdict.unsent = await self.pending()
            except RETRYABLE as error:
                left, quiet = repr(error), 0
            else:
                verdict.lag = sum(lag.values())
                left = {name: behind for name, behind in lag.items() if behind}
                quiet = quiet + 1 if not verdict.lag and not verdict.unsent else 0
            await asyncio.sleep(POLL_S)
        verdict.settled_s = time.monotonic() - began
        if quiet < 2:
            verdict.breach("I3" if verdict.unsent else "I4", f"{verdict.unsent} unsent, lag {left}")
        return verdict

    async def judge(
        self, ledger: Ledger, since: Offsets, *, timeout_s: float = SETTLE_S
    ) -> Verdict:
        """Settles, then counts. No breach: every accepted report has its effects exactly once."""
        verdict = await self.settle(timeout_s)
        evidence = Evidence.of(await self.bus.read(since), ledger)
        await self._i1(verdict, ledger, evidence)
        await self._i2(verdict, ledger, evidence)
        await self._i5(verdict, ledger)
        if "rewards" in self._services:
            await credits.judge(self.sql, verdict, ledger, evidence)
        if "notify" in self._services:
            await hearing.judge(self.sql, verdict, evidence)
            if ledger.receiver is not None:
                hearing.judge_receiver(verdict, evidence, ledger.receiver, ledger.secret)
        for answer in ledger.bad_answers:
            verdict.breach("I9", answer)
        self._count(verdict, ledger, evidence)
        return verdict

    async def doubled(self, ledger: Ledger, since: Offsets) -> Verdict:
        """Only what is certain before a run has settled: something twice, a wrong dead letter."""
        verdict = Verdict()
        evidence = Evidence.of(await self.bus.read(since), ledger)
        _twice_on_topics(verdict, evidence)
        await self._tallied(verdict, evidence, more_only=True)
        await self._i5(verdict, ledger, extra_only=True)
        self._count(verdict, ledger, evidence)
        return verdict

    async def caught(self, ledger: Ledger, since: Offsets) -> Verdict:
        """As soon as anything is certain, or when the run has settled."""
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            early = await self.doubled(ledger, since)
            if early.breaches:
                return early
            lag, unsent = await self.pending()
            if not sum(lag.values()) and not unsent:
                break
        return await self.judge(ledger, since)

    async def _i1(self, verdict: Verdict, ledger: Ledger, evidence: Evidence) -> None:
        """Accepted = opened + joined + refused + waiting + withdrawn, disjoint, by report id."""
        ways = evidence.ways()
        seen = Counter(report for reports in ways.values() for report in reports)
        for report in ledger.accepted.keys() - seen.keys():
            verdict.breach("I1", f"{report} lost")
        for report in seen.keys() - ledger.accepted.keys():
            verdict.breach("I1", f"{report} was never accepted")
        for report, times in seen.items():
            if times > 1:
                verdict.breach("I1", f"{report} went {times} ways")
        rows = await self.sql(
            "select report_id::text, case_id::text from dispatch.case_reports"
            " where reporter_id = any ($1)",
            sorted(ledger.reporters),
        )
        case_of = {row["report_id"]: row["case_id"] for row in rows}
        for report in case_of.keys() ^ (ways["opened"] | ways["joined"] | ways["withdrawn"]):
            verdict.breach("I1", f"{report} differs between topic and SQL")
        for matter, reports in ledger.matters():
            cases = {case_of.get(report) for report in reports}
            if len(cases) != 1:
                verdict.breach("I1", f"matter {matter} has {len(cases)} cases")
        if ledger.withdrawn != ways["withdrawn"]:
            verdict.breach("I1", "withdrawn differs")
        if "intake" in self._services:
            await self._intake(verdict, ledger, ways)

    async def _intake(self, verdict: Verdict, ledger: Ledger, ways: dict[str, set[str]]) -> None:
        rows = await self.sql(
            "select id::text, status from intake.reports where reporter_id = any ($1)",
            sorted(ledger.reporters),
        )
        statuses = {row["id"]: row["status"] for row in rows}
        by_intake = {s.report_id for s in ledger.accepted.values() if s.kind != "direct"}
        for report in statuses.keys() ^ by_intake:
            verdict.breach("I1", f"{report} differs between 202 and SQL")
        for status, names in (("refused", ("refused",)), ("place-asked", ("waiting",))):
            in_sql = {report for report, found in statuses.items() if found == status}
            if in_sql != set().union(*(ways[name] for name in names)):
                verdict.breach("I1", f"{status} differs between topic and SQL")
        kinds = {"outside": "refused", "placeless": "waiting"}
        for sent in ledger.accepted.values():
            if sent.kind in kinds and sent.report_id not in ways[kinds[sent.kind]]:
                verdict.breach("I1", f"{sent.report_id} is {sent.kind}, but not so treated")

    async def _i2(self, verdict: Verdict, ledger: Ledger, evidence: Evidence) -> None:
        """Nothing twice: events, places in a timeline, cases of a report, numbers of a feed."""
        _twice_on_topics(verdict, evidence)
        cases = sorted(evidence.cases)
        rows = await self.sql(
            "select case_id::text, array_agg(type order by seq) as types,"
            " array_agg(seq order by seq) as seqs from dispatch.case_events"
            " where case_id::text = any ($1) group by case_id",
            cases,
        )
        timelines = {row["case_id"]: row for row in rows}
        for case, events in evidence.cases.items():
            seqs = [int(event.header("ce_seq")) for event in events]
            if seqs != list(range(1, len(seqs) + 1)):
                verdict.breach("I2", f"case {case} on the topic: {seqs}")
            line = timelines.get(case)
            if line is None or list(line["seqs"]) != sorted(seqs):
                verdict.breach("I2", f"case {case}: timeline and topic differ")
            expected = ledger.timelines.get(case)
            if line is not None and expected and tuple(line["types"]) != expected:
                verdict.breach("I2", f"case {case}: {list(line['types'])}")
        for case in ledger.timelines.keys() - evidence.cases.keys():
            verdict.breach("I1", f"case {case} never reached the topic")
        await self._taken(verdict, evidence)
        await self._tallied(verdict, evidence)
        await self._feeds(verdict)

    async def _taken(self, verdict: Verdict, evidence: Evidence) -> None:
        """Every event that stands on a topic is in the inbox of each of its consumers."""
        for service in self._services:
            ids = [
                event.header("ce_id")
                for topic in consumed_by(service)
                for event in evidence.on(topic.name)
            ]
            rows = await self.sql(
                f"select event_id::text from {service}.inbox where event_id::text = any ($1)", ids
            )
            taken = Counter(row["event_id"] for row in rows)
            for event in ids:
                if taken[event] != 1:
                    verdict.breach("I2", f"{service} took {event} {taken[event]} times")

    async def _tallied(
        self, verdict: Verdict, evidence: Evidence, *, more_only: bool = False
    ) -> None:
        """The counting effect (mutant.py): once per event, with no business key behind it."""
        if not self._tally:
            return
        rows = await self.sql("select event_id::text, n from dispatch.tally")
        tally = {row["event_id"]: row["n"] for row in rows}
        for record in evidence.on("reports"):
            event = record.header("ce_id")
            times = tally.get(event, 0)
            if times > 1 or (times < 1 and not more_only):
                verdict.breach("I2" if times else "I1", f"{event} had its effect {times} times")

    async def _feeds(self, verdict: Verdict) -> None:
        for service in self._services:
            rows = await self.sql(
                "select feed, count(*) as n, count(distinct event_id) as events,"
                " count(distinct feed_no) as numbers, max(feed_no) as last"
                f" from {service}.feed group by feed"
            )
            for row in rows:
                if not row["n"] == row["events"] == row["numbers"] == row["last"]:
                    verdict.breach("I2", f"feed {row['feed']}: {dict(row)}")

    async def _i5(self, verdict: Verdict, ledger: Ledger, *, extra_only: bool = False) -> None:
        """Dead letters = the poison that was sent, byte for byte, at each of its consumers."""
        dead = 0
        for service in self._services:
            topics = {topic.name for topic in consumed_by(service)}
            poison = list(ledger.poison)
            if service not in KEEP_NO_TEXT:
                poison += ledger.refused_by_sql
            sent = Counter(each.content() for each in poison if each.topic in topics)
            rows = await self.sql(
                f"select topic, key, headers::text, value from {service}.dead_letters"
                " where at >= clock_timestamp() - make_interval(secs => $1)",
                time.monotonic() - ledger.started_at,
            )
            found = Counter(_letter(row) for row in rows)
            dead += found.total()
            for content, times in (found - sent).items():
                verdict.breach("I5", f"{service}: {times} wrong dead letter(s) of {content[0]}")
            for content, times in () if extra_only else (sent - found).items():
                verdict.breach("I5", f"{service}: {times} missing of {content[0]}")
        verdict.counts["dead letters"] = dead

    def _count(self, verdict: Verdict, ledger: Ledger, evidence: Evidence) -> None:
        verdict.counts |= {name: len(reports) for name, reports in evidence.ways().items()}
        verdict.counts |= {
            "accepted": len(ledger.accepted),
            "closed": ledger.closed,
            "cases": len(evidence.cases),
            "events": sum(len(events) for events in evidence.by_topic.values()),
            "records": evidence.records,
            "poison": len(ledger.poison) + len(ledger.refused_by_sql),
        }


def _twice_on_topics(verdict: Verdict, evidence: Evidence) -> None:
    for event in evidence.two_contents:
        verdict.breach("I2", f"event {event} has two contents")
    for report, events in evidence.into_case.items():
        if len(events) > 1:
            verdict.breach("I2", f"{report} came into cases {len(events)} times")


def _letter(row: Any) -> tuple[Any, ...]:
    pairs = msgspec.json.decode(row["headers"])
    headers = tuple((name, base64.b64decode(value)) for name, value in pairs)
    return row["topic"], row["key"], headers, row["value"]
