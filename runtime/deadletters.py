"""Events that no retry can make good: rows with the original bytes; a flood of them halts."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from runtime.db import Connection, Database

ATTEMPTS = 3
"""How often a single event that SQL refuses is tried before it is dead-lettered."""

_INSERT = """
insert into dead_letters
    (topic, partition, "offset", key, headers, value, event_id, subject, reason)
select topic, partition, "offset", key, headers::jsonb, value, event_id, subject, reason
from unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::text[], $6::bytea[],
            $7::uuid[], $8::text[], $9::text[])
    as letter (topic, partition, "offset", key, headers, value, event_id, subject, reason)
on conflict do nothing
"""
_ATTEMPT = """
insert into dead_letter_attempts as tried (topic, partition, "offset", attempts)
values ($1, $2, $3, 1)
on conflict (topic, partition, "offset") do update set attempts = tried.attempts + 1
returning attempts
"""
_FORGET = 'delete from dead_letter_attempts where topic = $1 and partition = $2 and "offset" = $3'
_HALT = "insert into halts (topic, reason) values ($1, $2) on conflict do nothing"
_HALTED = "select reason from halts where topic = $1"


@dataclass(frozen=True)
class Message:
    """A record as it came from Kafka, undecoded."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None


@dataclass(frozen=True)
class DeadLetter:
    """A message that is given up, and why."""

    message: Message
    reason: str
    event_id: UUID | None = None
    subject: str | None = None


def _printable(text: str) -> str:
    return text.replace("\x00", "\\u0000")[:2000]


async def bury(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Writes the dead letters; one that is there already stays as it is."""
    if not letters:
        return
    await connection.execute(
        _INSERT,
        [letter.message.topic for letter in letters],
        [letter.message.partition for letter in letters],
        [letter.message.offset for letter in letters],
        [letter.message.key for letter in letters],
        [_headers(letter.message) for letter in letters],
        [letter.message.value for letter in letters],
        [letter.event_id for letter in letters],
        [letter.subject and _printable(letter.subject) for letter in letters],
        [_printable(letter.reason) for letter in letters],
    )


def _headers(message: Message) -> str:
    """A JSON list of [name, base64 of the value]."""
    pairs = [
        (_printable(name), base64.b64encode(value or b"").decode())
        for name, value in message.headers
    ]
    return msgspec.json.encode(pairs).decode()


async def count_attempt(db: Database, message: Message) -> int:
    """How often this message has now failed on its own; kept in SQL across restarts."""
    return int(await db.fetchval(_ATTEMPT, message.topic, message.partition, message.offset))


async def forget_attempts(connection: Connection, message: Message) -> None:
    """Its fate is decided."""
    await connection.execute(_FORGET, message.topic, message.partition, message.offset)


@dataclass(frozen=True)
class Limits:
    """When dead letters mean a bad deploy and not bad events."""

    max_ratio: float = 0.05
    min_events: int = 1000
    max_in_row: int = 100


class Flood:
    """Counts one topic's outcomes: `in_row` per partition, the ratio over the latest events."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.reset()

    def reset(self) -> None:
        """Starts counting anew."""
        self._in_row: dict[int, int] = {}
        self._recent: deque[bool] = deque(maxlen=self._limits.min_events)
        self._bad = 0

    def count(self, partition: int, *, bad: bool) -> None:
        """One more event was decided."""
        self._in_row[partition] = self._in_row.get(partition, 0) + 1 if bad else 0
        if len(self._recent) == self._recent.maxlen and self._recent[0]:
            self._bad -= 1
        self._recent.append(bad)
        self._bad += bad

    def exceeded(self) -> str | None:
        """The reason to halt, or None."""
        limits = self._limits
        if max(self._in_row.values(), default=0) >= limits.max_in_row:
            return f"{limits.max_in_row} dead letters in a row"
        full = len(self._recent) >= limits.min_events
        if full and self._bad > limits.max_ratio * len(self._recent):
            return f"{self._bad} of the last {len(self._recent)} events are dead letters"
        return None


async def halt(db: Database, topic: str, reason: str) -> None:
    """Stops this topic's consumer until somebody resumes it (`yizhan dlq resume`)."""
    await db.execute(_HALT, topic, reason)


async def halted(db: Database, topic: str) -> str | None:
    """Why the topic's consumer stands still, or None."""
    reason = await db.fetchval(_HALTED, topic)
    return None if reason is None else str(reason)
