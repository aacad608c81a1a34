"""A department's (or community's) own database of its cases, filled over HTTP and kept up by Kafka.

    python -m examples.department --kafka 127.0.0.1:9092 --url http://127.0.0.1:8000 \\
        --token "$(yizhan token --role department --department lighting)" \\
        --department lighting --mirror cases.sqlite

The way to begin without a miss: first where topic `cases` ends (the position), then the queue over
HTTP (the snapshot, which holds all that happened before that position), then the topic from the
position on. A case's event carries the case as it is after it, so whoever applies those with a
higher `seq` than it has, and nothing else, ends up right: in any order, any number of times.

Position and cases are written in one transaction: killed at any moment, it goes on where it was.
Records that do not concern the owner are skipped by their header `ce_parties` (who owns the case,
owned it before, watches it), without a look at their bodies. For departments with a broker user of
their own, reading `cases` is enough; no consumer group is used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

TOPIC = "cases"
TABLES = """
create table if not exists cases (
    id text primary key, seq integer not null, state text not null, ours integer not null,
    body text not null
);
create table if not exists position (partition integer primary key, next integer not null);
"""
Json = dict[str, Any]


class Mirror:
    """The department's own table of cases. `ours`: whether the case is still its."""

    def __init__(self, path: Path, kind: str, code: str) -> None:
        self._db = sqlite3.connect(path)
        self._db.executescript(TABLES)
        self._kind, self._code = kind, code

    def position(self) -> dict[int, int]:
        """Where to go on, by partition; empty before the first snapshot."""
        return dict(self._db.execute("select partition, next from position"))

    def begin(self, position: dict[int, int], cases: Iterable[Json]) -> None:
        """The snapshot and the position behind which the topic adds to it."""
        with self._db:
            for case in cases:
                self._apply(case)
            self._move(position)

    def take(self, records: list[ConsumerRecord[bytes, bytes]]) -> list[Json]:
        """The cases that these records changed."""
        changed = []
        with self._db:
            for record in records:
                if self._code in dict(record.headers).get("ce_parties", b"").decode().split():
                    case = json.loads(record.value or b"{}")["case"]
                    if self._apply(case):
                        changed.append(case)
            self._move({record.partition: record.offset + 1 for record in records})
        return changed

    def _apply(self, case: Json) -> bool:
        done = self._db.execute(
            """
            insert into cases (id, seq, state, ours, body) values (?, ?, ?, ?, ?)
            on conflict (id) do update set seq = excluded.seq, state = excluded.state,
                ours = excluded.ours, body = excluded.body
            where excluded.seq > cases.seq
            """,
            (
                case["id"],
                case["seq"],
                case["state"],
                case.get(self._kind) == self._code,
                json.dumps(case, ensure_ascii=False),
            ),
        )
        return done.rowcount > 0

    def _move(self, position: dict[int, int]) -> None:
        self._db.executemany(
            "insert into position values (?, ?) "
            "on conflict (partition) do update set next = excluded.next",
            position.items(),
        )


async def snapshot(url: str, token: str, kind: str, code: str) -> list[Json]:
    """All open cases of the owner, page by page."""
    plural = "departments" if kind == "department" else "communities"
    headers = {"Authorization": f"Bearer {token}"}
    found: list[Json] = []
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
        cursor: str | None = ""
        while cursor is not None:
            answer = await client.get(
                f"/v1/{plural}/{code}/queue", params={"limit": 200, "cursor": cursor}
            )
            answer.raise_for_status()
            page = answer.json()
            found += page["cases"]
            cursor = page["cursor"]
    return found


async def follow(mirror: Mirror, kafka: str, url: str, token: str, kind: str, code: str) -> None:
    """For ever."""
    # Without a group a consumer is given all partitions of its topic.
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        if not mirror.position():
            ends = await consumer.end_offsets(consumer.assignment())
            cases = await snapshot(url, token, kind, code)
            mirror.begin({each.partition: end for each, end in ends.items()}, cases)
            say("snapshot", len(cases))
        for number, offset in mirror.position().items():
            consumer.seek(TopicPartition(TOPIC, number), offset)
        while True:
            fetched = await consumer.getmany(timeout_ms=1000)
            for records in fetched.values():
                for case in mirror.take(records):
                    say(case["code"], case["state"], case.get("category"), case.get("text"))
    finally:
        await consumer.stop()


def say(*words: object) -> None:
    """One line, at once."""
    print(*("-" if word is None else word for word in words), flush=True)


def main() -> int:
    """Exit 2: wrong use. Ctrl-C ends it with 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kafka", required=True, metavar="HOST:PORT")
    parser.add_argument("--url", required=True, help="of Yizhan, for the snapshot")
    parser.add_argument("--token", required=True, help="of the owner's staff, for the snapshot")
    owner = parser.add_mutually_exclusive_group(required=True)
    owner.add_argument("--community", metavar="CODE")
    owner.add_argument("--department", metavar="CODE")
    parser.add_argument("--mirror", required=True, type=Path, metavar="FILE")
    given = parser.parse_args()
    kind = "community" if given.community else "department"
    code = given.community or given.department
    mirror = Mirror(given.mirror, kind, code)
    try:
        asyncio.run(follow(mirror, given.kafka, given.url, given.token, kind, code))
    except KeyboardInterrupt:
        return 0
    except httpx.HTTPError as error:
        print(f"the snapshot is not to be had: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
