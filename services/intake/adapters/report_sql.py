"""Reports in SQL: decided under their row's lock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from contracts.places import Place
from contracts.submissions import ReportSubmitted
from runtime.db import Connection, Database
from services.intake.domain.report import Report

_COLUMNS = "id, submitted, status, seq, place, cell, category, refusal, transcript"
_LOCK = f"""
select {_COLUMNS} from reports where id = any ($1::uuid[]) order by id for update
"""  # noqa: S608 - constant
_OWN = f"select {_COLUMNS} from reports where id = $1 and reporter_id = $2"  # noqa: S608
_KNOWN = f"select {_COLUMNS} from reports where id = any ($1::uuid[])"  # noqa: S608
_FORGET_OLD_KEY = """
delete from idempotency_keys
where actor = $1 and key = $2 and created_at < statement_timestamp() - $3::interval
"""
_SINCE_ID = f"""
select {_COLUMNS} from reports
where reporter_id = $1 and ($2::uuid is null or id > $2)
  and ($3::timestamptz is null or received_at > $3)
order by id limit $4
"""  # noqa: S608 - constant
_SAVE = """
insert into reports (id, reporter_id, code, received_at, submitted,
                     status, seq, place, cell, category, refusal, transcript)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[],
                     $6::text[], $7::int[], $8::jsonb[], $9::text[], $10::text[], $11::text[],
                     $12::text[])
on conflict (id) do update set
    status = excluded.status, seq = excluded.seq, place = excluded.place, cell = excluded.cell,
    category = excluded.category, refusal = excluded.refusal, transcript = excluded.transcript
"""
_LINK = """
insert into report_media (media_id, report_id)
select * from unnest($1::text[], $2::uuid[]) on conflict do nothing
"""
_CARRYING = "select report_id from report_media where media_id = $1 order by report_id"

_DECODE = msgspec.json.Decoder(ReportSubmitted).decode


async def lock(connection: Connection, ids: Collection[UUID]) -> dict[str, Report]:
    """The reports by id, locked in the order of their ids."""
    rows = await connection.fetch(_LOCK, sorted(ids))
    return {str(row["id"]): report_of(row) for row in rows}


async def own(db: Database, report_id: UUID, reporter_id: str) -> Report | None:
    """The report when it is this reporter's."""
    row = await db.fetchrow(_OWN, report_id, reporter_id)
    return report_of(row) if row else None


async def known(db: Database, ids: Collection[UUID]) -> list[Report]:
    """Those of the reports that there are, whosever they are."""
    return [report_of(row) for row in await db.fetch(_KNOWN, sorted(ids))]


async def forget_key(db: Database, actor: str, key: str, older_than: timedelta) -> None:
    """A key that is older stands for nothing any more."""
    await db.execute(_FORGET_OLD_KEY, actor, key, older_than)


async def latest(
    db: Database,
    reporter_id: str,
    after_id: UUID | None,
    after: datetime | None,
    limit: int,
) -> list[Report]:
    """A reporter's reports behind that id or instant, oldest first."""
    rows = await db.fetch(_SINCE_ID, reporter_id, after_id, after, limit)
    return [report_of(row) for row in rows]


async def save(connection: Connection, reports: Sequence[Report]) -> None:
    """Writes what was decided; a report that only its event knows is added."""
    if not reports:
        return
    sent = [report.submitted for report in reports]
    await connection.execute(
        _SAVE,
        [UUID(each.report_id) for each in sent],
        [each.reporter_id for each in sent],
        [each.code for each in sent],
        [each.received_at for each in sent],
        [msgspec.json.encode(each) for each in sent],
        [report.status for report in reports],
        [report.seq for report in reports],
        [report.place for report in reports],
        [report.cell for report in reports],
        [report.category for report in reports],
        [report.refusal for report in reports],
        [report.transcript for report in reports],
    )


async def link(connection: Connection, reports: Sequence[ReportSubmitted]) -> None:
    """Which reports carry which media."""
    pairs = sorted({(media.id, report.report_id) for report in reports for media in report.media})
    if pairs:
        await connection.execute(
            _LINK, [media_id for media_id, _ in pairs], [UUID(report_id) for _, report_id in pairs]
        )


async def carrying(connection: Connection, media_id: str) -> list[UUID]:
    """Ids of the reports that carry the medium."""
    return [row["report_id"] for row in await connection.fetch(_CARRYING, media_id)]


def report_of(row: Mapping[str, Any]) -> Report:
    """A row as the domain knows it."""
    return Report(
        submitted=_DECODE(row["submitted"]),
        status=row["status"],
        seq=row["seq"],
        place=msgspec.convert(row["place"], Place) if row["place"] else None,
        cell=row["cell"],
        category=row["category"],
        refusal=row["refusal"],
        transcript=row["transcript"],
    )
