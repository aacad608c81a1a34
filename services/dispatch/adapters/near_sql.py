"""Which open cases are near: for duplicates, and for people who look around."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import cos, radians

from contracts.cases import Case
from contracts.places import METRES_PER_DEG_LAT
from runtime.db import Connection, Database
from services.dispatch.adapters.case_sql import case_of
from services.dispatch.domain.batch import Search
from services.dispatch.domain.conditions import MOST_REPORTS
from services.dispatch.domain.duplicates import Candidate

NEAR_SQL = """
select search.n, c.id, c.family, c.lat, c.lon, c.state, c.opened_at, c.active_at, c.code,
    (c.body -> 'place' ->> 'accuracy_m')::float8 as accuracy_m, c.body ->> 'text' as text
from unnest($1::int[], $2::text[], $3::text[], $4::float8[], $5::float8[], $6::float8[],
            $7::float8[], $8::timestamptz[], $9::timestamptz[])
    as search (n, family, cell, south, north, west, east, since, until)
join cases c on c.cell = search.cell and c.family = search.family and c.is_open
    and c.lat between search.south and search.north and c.lon between search.west and search.east
    and c.active_at between search.since and search.until and c.report_count < $10
"""
AROUND_SQL = """
select body::text as body from cases
where cell = any ($1::text[]) and is_open and ($2::text is null or family = $2) limit $3
"""
MARGIN = 1.02
MOST_AROUND = 1000


async def near(connection: Connection, searches: Sequence[Search]) -> list[list[Candidate]]:
    """Open cases in each search's box and window."""
    found: list[list[Candidate]] = [[] for _ in searches]
    rows = [(n, *_box(each, cell)) for n, each in enumerate(searches) for cell in each.cells]
    if not rows:
        return found
    columns = [list(column) for column in zip(*rows, strict=True)]
    for row in await connection.fetch(NEAR_SQL, *columns, MOST_REPORTS):
        values = {name: row[name] for name in Candidate.__struct_fields__}
        found[row["n"]].append(Candidate(**values | {"id": str(row["id"])}))
    return found


def _box(search: Search, cell: str) -> tuple[str, str, float, float, float, float, object, object]:
    seen, rule = search.sighting, search.rule
    lat_deg = rule.reach_m * MARGIN / METRES_PER_DEG_LAT
    lon_deg = lat_deg / max(cos(radians(seen.lat)), 0.01)
    window = timedelta(hours=rule.window_h)
    since: datetime = seen.at - window
    until: datetime = seen.at + window
    return (
        rule.family,
        cell,
        seen.lat - lat_deg,
        seen.lat + lat_deg,
        seen.lon - lon_deg,
        seen.lon + lon_deg,
        since,
        until,
    )


async def around(db: Database, cells: Sequence[str], family: str | None) -> list[Case]:
    """Open cases in these cells, of one family or of all."""
    rows = await db.fetch(AROUND_SQL, list(cells), family, MOST_AROUND)
    return [case_of(row) for row in rows]
