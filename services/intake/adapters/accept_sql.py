"""Reports become durable: one statement for all that come while the last one is under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from asyncpg.exceptions import UniqueViolationError

from runtime import outbox
from runtime.db import Database, is_transient
from runtime.gathering import Gathering
from runtime.idempotency import Answer
from runtime.outbox import Line
from runtime.relay import Row
from services.intake.domain.report import Report

# Reports, events and idempotency keys in one statement: one round trip and one commit.
# A key that is taken leaves `claimed` without it (after its rival's end), and nothing is written
# of that report; nor is anything of a reporter who may not report. Keys go in by their order, so
# that two processes with the same ones wait for each other in one direction only.
_ACCEPT = """
with sent as (
    select * from {source} as each
        (actor, idempotency_key, request_hash, answer_status, answer,
         id, code, received_at, submitted, status, seq, place, cell, category, refusal)
    where not exists (
        select from reporters where reporters.id = actor and suspended_at is not null
    ) and not exists (select from erased where reporter_id = actor)
), claimed as (
    insert into idempotency_keys (actor, key, request_hash, status, answer)
    select actor, idempotency_key, request_hash, answer_status, answer
    from sent where idempotency_key is not null
    order by actor, idempotency_key
    on conflict do nothing
    returning actor, key
), report as (
    insert into reports (id, reporter_id, code, received_at, submitted,
                         status, seq, place, cell, category, refusal)
    select id, actor, code, received_at, submitted, status, seq, place, cell, category, refusal
    from sent
    where idempotency_key is null
       or (actor, idempotency_key) in (select actor, key from claimed)
    returning id
)
insert into outbox (day, event_id, topic, key, headers, value, direct)
select day, event_id, topic, key, headers, value, direct
from unnest(
    $16::uuid[], $17::date[], $18::uuid[], $19::text[], $20::bytea[], $21::jsonb[], $22::bytea[],
    $23::text[], $24::boolean[]
) with ordinality as event
    (report_id, day, event_id, topic, key, headers, value, feeds, direct, n)
join report on report.id = report_id
order by n
returning id, event_id
"""
# Most reports come alone, and arrays cost a third more than plain values.
_ONE = _ACCEPT.format(
    source="""(select
        $1::text, $2::text, $3::bytea, $4::int, $5::bytea,
        $6::uuid, $7::text, $8::timestamptz, $9::bytea,
        $10::text, $11::int, $12::jsonb, $13::text, $14::text, $15::text
    )"""
)
_MANY = _ACCEPT.format(
    source="""unnest(
        $1::text[], $2::text[], $3::bytea[], $4::int[], $5::bytea[],
        $6::uuid[], $7::text[], $8::timestamptz[], $9::bytea[],
        $10::text[], $11::int[], $12::jsonb[], $13::text[], $14::text[], $15::text[]
    )"""
)
_ANSWERS = """
select actor, key, request_hash, status, answer from idempotency_keys
where (actor, key) in (select * from unnest($1::text[], $2::text[]))
"""


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


@dataclass(frozen=True)
class Accepting:
    """`lines`: the events that are told of the report from the start, the submission first."""

    report: Report
    claim: Claim
    lines: Sequence[Line]

    @property
    def mark(self) -> tuple[str, str]:
        """Whose key it is; a report without key has a mark of its own."""
        sent = self.report.submitted
        return (sent.reporter_id, self.claim.key) if self.claim.key else ("", sent.report_id)


Outcome = list[Row] | Stored
"""The outbox rows of a report that is durable now, or what its key stands for already."""


def accepts(db: Database) -> Gathering[Accepting, Outcome]:
    """Asked for one report it raises CodeTaken, MayNotReport or what PostgreSQL says."""

    async def together(many: Sequence[Accepting]) -> list[Outcome | Exception]:
        try:
            return await _accept(db, many)
        except Exception as error:  # whatever it was: whoever asked is told, below or here
            if len(many) == 1 or is_transient(error):
                raise
        # One that SQL refuses, or whose code is taken, is not the others' fault.
        return [await _alone(db, each) for each in many]

    return Gathering(together)


async def _alone(db: Database, one: Accepting) -> Outcome | Exception:
    try:
        return (await _accept(db, [one]))[0]
    except Exception as error:  # whatever it was: only whoever asked is told
        return error


async def _accept(db: Database, many: Sequence[Accepting]) -> list[Outcome | Exception]:
    by_mark: dict[tuple[str, str], Accepting] = {}
    for each in many:
        by_mark.setdefault(each.mark, each)
    firsts = list(by_mark.values())
    lines = {line.event_id: line for each in firsts for line in each.lines}
    reports = [_columns(each) for each in firsts]
    alone = len(reports) == 1
    try:
        ids = await db.fetch(
            _ONE if alone else _MANY,
            *(reports[0] if alone else zip(*reports, strict=True)),
            [UUID(each.report.id) for each in firsts for _ in each.lines],
            *outbox.columns(list(lines.values())),
        )
    except UniqueViolationError as error:
        if error.constraint_name == "reports_code":
            raise CodeTaken from error
        raise
    sent = {row["event_id"]: _row(row["id"], lines[row["event_id"]]) for row in ids}
    others = [each for each in many if each.lines[0].event_id not in sent]
    stored = await _stored(db, others) if others else {}
    return [
        [sent[line.event_id] for line in each.lines]
        if each.lines[0].event_id in sent
        else stored.get(each.mark, MayNotReport())
        for each in many
    ]


def _columns(each: Accepting) -> tuple[object, ...]:
    report, claim = each.report, each.claim
    sent = report.submitted
    return (
        sent.reporter_id,
        claim.key,
        claim.request_hash,
        claim.answer.status,
        claim.answer.body,
        UUID(sent.report_id),
        sent.code,
        sent.received_at,
        each.lines[0].value,
        report.status,
        report.seq,
        report.place,
        report.cell,
        report.category,
        report.refusal,
    )


async def _stored(db: Database, many: Sequence[Accepting]) -> dict[tuple[str, str], Stored]:
    actors, keys = zip(*(each.mark for each in many), strict=True)
    rows = await db.fetch(_ANSWERS, list(actors), list(keys))
    return {
        (row["actor"], row["key"]): Stored(
            row["request_hash"], Answer(row["status"], row["answer"])
        )
        for row in rows
    }


def _row(outbox_id: int, line: Line) -> Row:
    return Row(
        day=line.day,
        id=outbox_id,
        event_id=line.event_id,
        topic=line.topic,
        key=line.key,
        headers=line.headers,
        value=line.value,
        age_s=0.0,
    )
