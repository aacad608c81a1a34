"""A report becomes durable: one statement, and the rows that its process sends at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from asyncpg.exceptions import UniqueViolationError

from contracts.facts import Event
from runtime import outbox
from runtime.db import Database
from runtime.idempotency import Answer
from runtime.outbox import Outgoing
from runtime.relay import Row
from services.intake.domain.report import Report

# Report, events and idempotency key in one statement: one round trip and one commit a report.
# A key that is taken leaves `claimed` empty (after its rival's end), and nothing is written;
# nor is anything of a reporter who may not report.
_ACCEPT = """
with may as (
    select where not exists (select from reporters where id = $1 and suspended_at is not null)
             and not exists (select from erased where reporter_id = $1)
), claimed as (
    insert into idempotency_keys (actor, key, request_hash, status, answer)
    select $1::text, $2::text, $3::bytea, $4::int, $5::bytea from may where $2::text is not null
    on conflict do nothing
    returning true
), report as (
    insert into reports (id, reporter_id, code, received_at, submitted,
                         status, seq, place, cell, category, refusal)
    select $6::uuid, $1::text, $7::text, $8::timestamptz, $9::bytea,
           $10::text, $11::int, $12::jsonb, $13::text, $14::text, $15::text from may
    where $2::text is null or exists (select from claimed)
    returning true
)
insert into outbox (day, event_id, topic, key, headers, value, direct)
select day, event.id, topic, key, headers, value, direct
from report cross join unnest(
    $16::date[], $17::uuid[], $18::text[], $19::bytea[], $20::jsonb[], $21::bytea[],
    $22::text[], $23::boolean[]
) with ordinality as event (day, id, topic, key, headers, value, feeds, direct, n)
order by n
returning id
"""
_ANSWER = "select request_hash, status, answer from idempotency_keys where actor = $1 and key = $2"


class CodeTaken(Exception):
    """Another report has this code: draw again."""


class MayNotReport(Exception):
    """The reporter is suspended, or erased a moment ago."""


@dataclass(frozen=True)
class Claim:
    """An idempotency key with the hash of its request and the answer that it would get."""

    key: str | None
    request_hash: bytes | None
    answer: Answer


@dataclass(frozen=True)
class Stored:
    """The answer that another request with this key got."""

    request_hash: bytes
    answer: Answer


async def accept(
    db: Database, report: Report, events: Sequence[Event], claim: Claim
) -> list[Row] | Stored:
    """The outbox rows of a report that is durable now, or what its key stands for already.

    `events`: what is said of it from the start, the submission first. Raises CodeTaken,
    MayNotReport.
    """
    sent, answer = report.submitted, claim.answer
    columns = outbox.columns([Outgoing(event, direct=True) for event in events])
    *_, values, _feeds, _direct = columns
    try:
        ids = await db.fetch(
            _ACCEPT,
            sent.reporter_id,
            claim.key,
            claim.request_hash,
            answer.status,
            answer.body,
            UUID(sent.report_id),
            sent.code,
            sent.received_at,
            values[0],
            report.status,
            report.seq,
            report.place,
            report.cell,
            report.category,
            report.refusal,
            *columns,
        )
    except UniqueViolationError as error:
        if error.constraint_name == "reports_code":
            raise CodeTaken from error
        raise
    if not ids:
        row = await db.fetchrow(_ANSWER, sent.reporter_id, claim.key)
        if row is None:
            raise MayNotReport
        return Stored(row["request_hash"], Answer(row["status"], row["answer"]))
    return [
        Row(day, row["id"], event_id, topic, key, headers, value, age_s=0.0)
        for row, day, event_id, topic, key, headers, value in zip(ids, *columns[:6], strict=True)
    ]
