"""Fills the tables of dispatch and tracking with cases of a year: what a city has after it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate

import asyncpg
import msgspec
import shapely

from cities.areas import Areas
from cities.cells import cell
from contracts.cases import Alternative, Case
from contracts.city import City
from contracts.places import Place
from contracts.reports import ReportNormalised
from services.dispatch.domain.opening import open_case
from services.dispatch.domain.routing import AREA
from services.tracking.domain.bigrams import bigrams

TEXTS = 5000
OPEN_SHARE = 0.02
DAYS = 365
RARE = "第{}号灯杆旁"
"""Every text names a pole of its own: two hundred cases in a million do."""

_STAGE = """
create unlogged table bench_stage as
select n, gen_random_uuid() as id, gen_random_uuid() as report_id,
    upper(substr(md5(n::text), 1, 9)) as code, is_open,
    case when is_open then (array['assigned', 'accepted', 'in-progress'])[1 + floor(random() * 3)]
         when random() < 0.05 then 'refused' else 'closed' end as state,
    1 + width_bucket(random(), $2::float8[]) as place,
    1 + floor(random() * cardinality($3::text[]))::int as category,
    1 + floor(random() * $4)::int as text,
    (random() - 0.5) * 0.004 as north, (random() - 0.5) * 0.004 as east,
    clock_timestamp() - random() * case when is_open then interval '10 days'
                                        else interval '365 days' end as opened_at
from (select n, random() < $5 as is_open from generate_series(1, $1::int) n) cases
"""
_SHAPED = """
create unlogged table bench_shaped as
select stage.*, ($1::text[])[place] as community, ($2::text[])[category] as category_code,
    ($3::float8[])[place] + north as lat, ($4::float8[])[place] + east as lon,
    texts.text as words, texts.bigrams,
    case when state <> 'assigned' then opened_at + interval '10 minutes' end as accepted_at,
    case when state = 'closed' then opened_at + random() * interval '40 hours' end as resolved_at,
    case when not is_open then opened_at + interval '41 hours' end as closed_at,
    opened_at + interval '30 minutes' as accept_by, opened_at + interval '24 hours' as resolve_by
from bench_stage stage join bench_texts texts on texts.n = stage.text
"""
_BODY = """
$1::jsonb || jsonb_build_object(
    'id', id, 'code', code, 'state', state, 'community', community, 'category', category_code,
    'place', jsonb_build_object('lat', lat, 'lon', lon), 'text', words,
    'opened_at', opened_at, 'updated_at', opened_at, 'accepted_at', accepted_at,
    'resolved_at', resolved_at, 'closed_at', closed_at,
    'clocks', jsonb_build_object('accept_by', accept_by, 'resolve_by', resolve_by),
    'reports', jsonb_build_array(jsonb_build_object(
        'report_id', report_id, 'reporter_id', md5(n::text), 'joined_at', opened_at)))
"""
# Nothing is due: the timers are not what is measured.
_DISPATCH = f"""
insert into dispatch.cases (id, code, state, is_open, revision, seq, round, community, category,
    family, cell, lat, lon, rank, queue_by, opened_at, active_at, updated_at, accept_by, resolve_by,
    report_count, body)
select id, code, state, is_open, 2, 2, 1, community, category_code, 'bins',
    cells.cell, lat, lon, case when random() < 0.1 then 0 else 1 end, resolve_by, opened_at,
    opened_at, opened_at, accept_by, resolve_by, 1, {_BODY}
from bench_shaped join bench_cells cells using (place)
"""
_REPORTS = """
insert into dispatch.case_reports (report_id, case_id, reporter_id, joined_at)
select report_id, id, md5(n::text), opened_at from bench_shaped
"""
_EVENTS = """
insert into dispatch.case_events (case_id, seq, type, at, by_role, by_id, state)
select id, seq, (array['CaseOpened', 'CaseAssigned'])[seq], opened_at, 'system', 'system', state
from bench_shaped, generate_series(1, 2) seq
"""
_TRACKING = f"""
insert into tracking.cases (id, seq, code, state, community, category, lat, lon, opened_at,
    accepted_at, resolved_at, closed_at, resolve_by, bigrams, body, day)
select id, 2, code, state, community, category_code, lat, lon, opened_at, accepted_at, resolved_at,
    closed_at, resolve_by, bigrams, {_BODY}, (opened_at at time zone 'Asia/Shanghai')::date
from bench_shaped
"""
_COUNTS = """
insert into tracking.case_counts
select day, coalesce(community, ''), coalesce(category, ''), state, count(*), count(accepted_at),
    coalesce(sum(extract(epoch from accepted_at - opened_at) * 1000000), 0)::bigint,
    count(resolved_at),
    coalesce(sum(extract(epoch from resolved_at - opened_at) * 1000000), 0)::bigint,
    count(*) filter (where resolved_at > resolve_by)
from tracking.cases group by 1, 2, 3, 4
"""
_RECOUNT = "delete from tracking.case_counts"
_TIDY = ("drop table bench_stage, bench_shaped, bench_texts, bench_cells", "vacuum analyze")


@dataclass(frozen=True)
class Filled:
    """What there is to ask for: communities by size, categories, and texts."""

    communities: list[str]
    categories: list[str]
    texts: list[str]


async def fill(admin_url: str, city: City, areas: Areas, cases: int) -> Filled:
    """Communities by Zipf's law: the n-th largest has 1/n of the largest. Two in a hundred open."""
    chance = random.Random(9)
    codes = sorted(areas.communities)
    chance.shuffle(codes)
    middles = [_middle(areas, code) for code in codes]
    weights = [1 / rank for rank in range(1, len(codes) + 1)]
    total = sum(weights)
    thresholds = [each / total for each in accumulate(weights)][:-1]
    categories = [each.code for each in city.categories]
    texts = [_text(city, number, chance) for number in range(1, TEXTS + 1)]
    template = msgspec.json.encode(_template(city)).decode()
    connection = await asyncpg.connect(admin_url, command_timeout=3600)
    try:
        await connection.execute("set synchronous_commit = off")
        await _lists(connection, areas, city, codes, middles, texts)
        await connection.execute(_STAGE, cases, thresholds, categories, TEXTS, OPEN_SHARE)
        lats, lons = [lat for lat, _ in middles], [lon for _, lon in middles]
        await connection.execute(_SHAPED, codes, categories, lats, lons)
        for sql in (_DISPATCH, _TRACKING):
            await connection.execute(sql, template)
        for sql in (_REPORTS, _EVENTS, _RECOUNT, _COUNTS, *_TIDY):
            await connection.execute(sql)
    finally:
        await connection.close()
    return Filled(codes, categories, texts)


async def _lists(
    connection: asyncpg.Connection,
    areas: Areas,
    city: City,
    codes: list[str],
    middles: list[tuple[float, float]],
    texts: list[str],
) -> None:
    await connection.execute("create table bench_cells (place int, cell text)")
    await connection.execute("create table bench_texts (n int, text text, bigrams text[])")
    cells = [(n, cell(*at, city.h3_resolution)) for n, at in enumerate(middles, 1)]
    await connection.copy_records_to_table("bench_cells", records=cells)
    rows = [(n, text, bigrams(text)) for n, text in enumerate(texts, 1)]
    await connection.copy_records_to_table("bench_texts", records=rows)


def _middle(areas: Areas, code: str) -> tuple[float, float]:
    point = shapely.point_on_surface(shapely.from_geojson(areas.outline(code)))
    return float(point.y), float(point.x)


def _text(city: City, number: int, chance: random.Random) -> str:
    category = chance.choice(city.categories)
    word = chance.choice(category.aliases or (category.name.zh,))
    return f"{RARE.format(number)}{word}，请尽快处理"


def _template(city: City) -> Case:
    """A case as the product opens it; what differs from case to case is put over it."""
    now = datetime.now(UTC)
    report = ReportNormalised(
        report_id="00000000-0000-4000-8000-000000000001",
        reporter_id="r",
        code="C",
        received_at=now,
        place=Place(lat=34.2, lon=108.9),
        cell="c",
        category="06042",
        text="t",
    )
    owner = Alternative(community="c", reason=AREA)
    return open_case(report, cell="c", owners=[owner], now=now, city=city)[-1].case
