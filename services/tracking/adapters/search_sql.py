"""The operator's search in SQL: conditions are added only where something is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts.cases import Case
from runtime.db import Database
from services.tracking.domain.searching import RUNNING, Sought

_RUNNING = ", ".join(f"'{each}'" for each in RUNNING)
_LATE = f"state in ({_RUNNING}) and resolve_by < {{}}"
_WORDS = """not exists (
    select from unnest({}::text[]) as word
    where strpos(lower(normalize(coalesce(body->>'text', '') || ' ' || code, NFKC)), word) = 0
)"""

_decode = msgspec.json.Decoder(Case).decode


@dataclass(frozen=True)
class Position:
    """Where a page ended."""

    opened_at: datetime
    id: UUID


class _Conditions:
    """SQL conditions with the values that their parameters stand for."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.values: list[Any] = []

    def add(self, text: str, *values: Any) -> None:
        first = len(self.values) + 1
        self.values += values
        self.texts.append(text.format(*(f"${first + n}" for n in range(len(values)))))


def query(
    sought: Sought, now: datetime, after: Position | None, limit: int
) -> tuple[str, list[Any]]:
    """The statement and its values: newest first, behind `after`."""
    where = _Conditions()
    if sought.box is not None:
        box = sought.box
        corners = (box.west, box.south, box.east, box.north)
        where.add("point(lon, lat) <@ box(point({}, {}), point({}, {}))", *corners)
    for column in ("state", "category", "community"):
        values = {
            "state": sought.states,
            "category": sought.categories,
            "community": sought.communities,
        }[column]
        if values:
            where.add(column + " = any ({}::text[])", list(values))
    if sought.overdue is not None:
        where.add(_LATE if sought.overdue else f"not ({_LATE})", now)
    if sought.since is not None:
        where.add("opened_at >= {}", sought.since)
    if sought.words:
        where.add("bigrams @> {}::text[]", sought.pairs())
        where.add(_WORDS, list(sought.words))
    if after is not None:
        where.add("(opened_at, id) < ({}, {})", after.opened_at, after.id)
    conditions = " and ".join(where.texts) or "true"
    where.values.append(limit)
    sql = (
        f"select body::text as body from cases where {conditions} "  # noqa: S608 - our own texts
        f"order by opened_at desc, id desc limit ${len(where.values)}"
    )
    return sql, where.values


async def cases(
    db: Database, sought: Sought, now: datetime, after: Position | None, limit: int
) -> list[Case]:
    """A page of what is looked for."""
    sql, values = query(sought, now, after, limit)
    return [_decode(row["body"]) for row in await db.fetch(sql, *values)]
