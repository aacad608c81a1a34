"""What really happened, gathered from outside: raw topic bytes, and SQL as the superuser."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from contracts.topics import TOPICS
from yizhan.demo.hearing import TO_NEIGHBOUR, differences, has_to_hear
from yizhan.demo.machines import HOOKS
from yizhan.demo.raw import Raw, read_all
from yizhan.demo.rest import come_to_rest
from yizhan.demo.stage import Stage
from yizhan.environment import present_services

UNDONE = """
select (select count(*) from {0}.outbox where sent_at is null)
    + (select count(*) from {0}.jobs where not given_up)
"""


@dataclass
class Evidence:
    """Every event once, as its first record tells it; `sql` answers with one number.

    `repeated` counts further records of an event: at least once is the promise of the wire.
    """

    stage: Stage
    records: list[Raw]
    repeated: int
    types: Counter[str]
    connection: psycopg.Connection[tuple[Any, ...]]

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

    def told(self) -> Counter[tuple[str, str]]:
        """How often topic `notices` says that somebody was told of an event."""
        return Counter(
            (each.body["event_id"], each.body["recipient_id"])
            for each in self.of("notices")
            if each.type == "NoticeDelivered" and each.body["channel"] == "inbox"
        )

    def _inbox_notices(self) -> list[Raw]:
        """All but questions for a place: a slow machine may ask for a photo's, too."""
        return [
            each
            for each in self.of("notices")
            if each.body["channel"] == "inbox" and each.body["event"] != "PlaceAsked"
        ]

    def told_reporters(self) -> int:
        """Notices to people."""
        return sum(not _is_shared(each.body["recipient_id"]) for each in self._inbox_notices())

    def told_staff(self) -> int:
        """Notices to inboxes that staff share."""
        return sum(_is_shared(each.body["recipient_id"]) for each in self._inbox_notices())

    def told_machines(self) -> int:
        """Webhooks that were delivered, as topic `notices` has it."""
        found = (each for each in self.of("notices") if each.body["channel"] == "webhook")
        return sum(each.type == "NoticeDelivered" for each in found)

    def credited_points(self) -> int:
        """What the events on `credits` did to all balances."""
        return sum(r.body["points"] for r in self.of("credits") if r.type != "PointsHeld")

    def lines(self, about: str) -> int:
        """Lines about that in the timelines that the scenes' reporters saw."""
        return sum(lines[about] for lines in self.stage.timelines.values())

    def in_inboxes(self) -> int:
        """Notices that the scenes' reporters found, but for questions for a place."""
        return sum(type_ != "PlaceAsked" for told in self.stage.told.values() for _, type_ in told)

    def same_live(self) -> int:
        """Scenes whose reporter was shown live what the inbox has, each once, in its order."""
        found = 0
        for key, told in self.stage.told.items():
            shown = [each.body["id"] for each in self.stage.inboxes[key].shown]
            found += shown == [id_ for id_, _ in reversed(told)]
        return found

    def wrongly_told(self) -> int:
        """Notices on the topic that nobody should have got, that are missing, or came twice."""
        return sum(1 for _ in differences(self._have_to_hear(), self.told()))

    def wrongly_kept(self) -> int:
        """The same of the inboxes in SQL."""
        rows = self.connection.execute(
            "select event_id::text, recipient, count(*) from notify.notices"
            " where channel = 'inbox' group by 1, 2"
        )
        kept = Counter({(event, who): times for event, who, times in rows})
        return sum(1 for _ in differences(self._have_to_hear(), kept))

    def _have_to_hear(self) -> set[tuple[str, str]]:
        heard = ("observers", "reports", "cases", "credits")
        records = (each for topic in heard for each in self.of(topic))
        found = {
            pair
            for each in records
            for pair in has_to_hear(each.headers["ce_id"], each.type, each.body)
        }
        assert self.stage.neighbour is not None
        neighbour, _ = self.stage.neighbour
        bins = (r for r in self.of("cases") if r.case["id"] == self.stage.sent["bin"].case_id)
        return found | {(r.headers["ce_id"], neighbour) for r in bins if r.type in TO_NEIGHBOUR}

    def wrongly_delivered(self) -> int:
        """Events that a webhook should have got and did not, or got under several ids or bodies."""
        wrong = 0
        for hook in HOOKS:
            expected = {
                (each.headers["ce_id"], hook.path) for each in filter(hook.hears, self.of("cases"))
            }
            sent = {
                (each.headers["webhook-id"], each.body)
                for each in self.stage.receiver.verified
                if each.path == f"/{hook.path}"
            }
            came = Counter((json.loads(body)["id"], hook.path) for _, body in sent)
            wrong += sum(1 for _ in differences(expected, came))
        return wrong

    def deliveries(self) -> int:
        """Ids of deliveries whose signature held."""
        return len({each.headers["webhook-id"] for each in self.stage.receiver.verified})

    def persons_in_deliveries(self) -> int:
        """Deliveries that name a reporter, or hold what somebody wrote."""
        private = {r.body["reporter_id"] for r in self.of("submissions")}
        private |= {s.scene.text for s in self.stage.sent.values() if s.scene.text}
        bodies = [each.body.decode() for each in self.stage.receiver.requests]
        return sum(any(word in body for word in private) for body in bodies)

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


def _is_shared(recipient: str) -> bool:
    """Whether it is the inbox of a community, a department or the operators."""
    return ":" in recipient or recipient == "operators"


def _seq(raw: Raw) -> int:
    """The event's number within its subject."""
    return int(raw.headers["ce_seq"])


def gather(stage: Stage, connection: psycopg.Connection[tuple[Any, ...]]) -> Evidence:
    """Waits until nothing is on its way, then reads everything from offset zero."""
    found = Evidence(stage, [], 0, Counter(), connection)
    asyncio.run(come_to_rest(stage.product.kafka, lambda: found.in_each_schema(UNDONE)))
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
