"""(g) A year of a large city: how long people wait when the tables hold a million cases."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg

from bench.client import Client, request
from bench.figures import Run, figure, medians, percentile, spread_ms
from bench.filling import Filled, fill
from bench.people import People
from bench.results import Aim, Options, Result, Table
from bench.stacks import CITY, Whole, quiet, say, temporary
from bench.to_queue import load, product_way
from cities.areas import load_areas
from cities.cells import cells_touching_circle
from cities.load import load_city
from services.dispatch.adapters import near_sql, queue_sql
from services.dispatch.domain.states import OPEN
from services.tracking.adapters import search_sql, stats_sql
from services.tracking.adapters.search_sql import Position
from services.tracking.api.searching import cursor_of
from services.tracking.domain.searching import RUNNING, Sought, words_of
from yizhan.demo.product import Product

CASES = 1_000_000
COLD, WARM = 30, 400
AIMS_MS = {"queue": 30.0, "search": 100.0, "stats": 50.0, "nearby": 20.0}
SLOWER_MOST = 1.15
RATE = 50.0
SECONDS = 20.0
Paths = Callable[[random.Random, Filled], str]


def queue_path(chance: random.Random, filled: Filled) -> str:
    """Half of all looks are at the hundred largest queues."""
    most = 100 if chance.random() < 0.5 else len(filled.communities)
    return f"/v1/communities/{chance.choice(filled.communities[:most])}/queue?limit=50"


def search_path(chance: random.Random, filled: Filled) -> str:
    """One condition or two, a rare word, a frequent one, and deep into the pages of each."""
    asked: dict[str, str] = {"limit": "50"}
    kind = chance.randrange(6)
    if kind == 0:
        asked["state"] = chance.choice(["closed", "refused", "accepted"])
    elif kind == 1:
        asked["category"] = chance.choice(filled.categories)
    elif kind == 2:
        asked["community"] = chance.choice(filled.communities)
    elif kind == 3:
        asked["q"] = chance.choice(filled.texts)[:8]
    elif kind == 4:
        asked["q"] = "尽快处理"
    else:
        asked["bbox"] = "108.93,34.24,108.95,34.26"
    if chance.random() < 0.5:
        deep = datetime.now(UTC) - timedelta(days=chance.random() * 300)
        asked["cursor"] = cursor_of(Position(deep, uuid4()))
    return "/v1/cases?" + urlencode(asked)


def stats_path(chance: random.Random, filled: Filled) -> str:
    """The last thirty days of all, of a community, of a category."""
    asked = chance.choice(
        [
            {},
            {"community": chance.choice(filled.communities)},
            {"category": chance.choice(filled.categories)},
        ]
    )
    return "/v1/stats?" + urlencode(asked)


def nearby_path(chance: random.Random, _: Filled) -> str:
    """In the middle of the city."""
    lat, lon = 34.2 + chance.random() * 0.1, 108.9 + chance.random() * 0.1
    return f"/v1/cases/nearby?lat={lat:.5f}&lon={lon:.5f}"


KINDS: dict[str, Paths] = {
    "queue": queue_path,
    "search": search_path,
    "stats": stats_path,
    "nearby": nearby_path,
}


async def measure(options: Options) -> Result:
    """Filled beside empty, by turns; then filled and started again. Raises what breaks a run."""
    raw: dict[str, list[Run]] = {}
    folders = full, empty = temporary(), temporary()
    try:
        async with _up(empty) as beside:
            filled, plans = await _filled(full, beside, options, raw)
        await _asked_again(full, filled, raw)
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    return _result(options, raw, plans)


async def _filled(
    folder: Path, beside: Whole, options: Options, raw: dict[str, list[Run]]
) -> tuple[Filled, dict[str, str]]:
    async with _up(folder) as stack, product_way(stack) as full, product_way(beside) as empty:
        say(f"size: {CASES:,} cases are filled in")
        began = time.monotonic()
        city, areas = load_city(CITY), load_areas(CITY)
        filled = await fill(stack.admin(), city, areas, CASES)
        say(f"size: filled in {time.monotonic() - began:.0f} s")
        ways = {"empty": empty, "full": full}
        for way in ways.values():
            await load(way, RATE, SECONDS, -1)
        for number in range(options.runs):
            for name, way in ways.items():
                run = await load(way, RATE, SECONDS, number)
                raw.setdefault(f"to queue, {name}", []).append(run)
                say(f"size: POST to queue, {name} tables: p50 {run['queue_p50_ms']:.1f} ms")
        plans = await _plans(stack.admin(), filled)
    return filled, plans


async def _asked_again(folder: Path, filled: Filled, raw: dict[str, list[Run]]) -> None:
    """PostgreSQL starts with nothing in its own buffers: the first looks are the cold ones."""
    async with _up(folder) as stack:
        client, chance = Client(stack.port), random.Random(3)
        people = People(client, stack.data.secrets.signing_key_file)
        operator = people.staff("operator")
        for kind, path in KINDS.items():
            for heat, times in (("cold", COLD), ("warm", WARM)):
                took = []
                for _ in range(times):
                    sent = request("GET", path(chance, filled), operator)
                    began = time.monotonic()
                    await client.ask(sent, 200)
                    took.append(time.monotonic() - began)
                raw[f"{kind} {heat}"] = [spread_ms("answer", took)]
                say(f"size: {kind} {heat}: p99 {percentile(took, 0.99) * 1e3:.1f} ms")


@asynccontextmanager
async def _up(folder: Path) -> AsyncIterator[Whole]:
    product = Product(quiet, folder=folder)
    try:
        await asyncio.to_thread(product.start)
        yield Whole(product)
    finally:
        await asyncio.to_thread(lambda: product.stop(keep_data=True))


async def _plans(admin_url: str, filled: Filled) -> dict[str, str]:
    """EXPLAIN of what the four questions come down to."""
    city, now = load_city(CITY), datetime.now(UTC)
    cells = cells_touching_circle(34.25, 108.95, 275.0, city.h3_resolution)
    day = now.astimezone(ZoneInfo(city.timezone)).date()
    days: tuple[date, date] = (day - timedelta(days=29), day)
    deep = Position(now - timedelta(days=200), uuid4())
    rare = Sought(words=words_of(filled.texts[0][:8]))
    asked: dict[str, tuple[str, str, list[object]]] = {
        "queue": (
            "dispatch",
            queue_sql._QUEUE.format(owner="community"),
            [filled.communities[0], list(OPEN), None, None, None, None, None, 51],
        ),
        "nearby": ("dispatch", near_sql.AROUND_SQL, [list(cells), None, near_sql.MOST_AROUND]),
        "search, a rare word": ("tracking", *search_sql.query(rare, now, None, 51)),
        "search, deep": (
            "tracking",
            *search_sql.query(Sought(states=("closed",)), now, deep, 51),
        ),
        "stats": ("tracking", stats_sql.COUNTS_SQL, [*days, None, None, list(RUNNING)]),
        "stats, deadlines": ("tracking", stats_sql.DEADLINES_SQL, [*days, None, None]),
    }
    connection = await asyncpg.connect(admin_url, command_timeout=300)
    try:
        head = (await connection.fetch(stats_sql.NOW_SQL))[0]["snapshot"]
        asked["stats, moved on"] = ("tracking", stats_sql.CHANGES_SQL, [head, *days, None, None])
        found = {}
        for name, (schema, sql, values) in asked.items():
            await connection.execute(f"set search_path to {schema}")
            rows = await connection.fetch(f"explain (analyze, buffers) {sql}", *values)
            found[name] = "\n".join(row[0] for row in rows)
    finally:
        await connection.close()
    return found


def _result(options: Options, raw: dict[str, list[Run]], plans: dict[str, str]) -> Result:
    rows = [
        [
            kind,
            *(
                f"{figure(raw[f'{kind} {heat}'][0][f'answer_{share}_ms'])}"
                for heat in ("cold", "warm")
                for share in ("p50", "p99")
            ),
        ]
        for kind in KINDS
    ]
    slow = {name: medians(raw[f"to queue, {name}"])["queue_p50_ms"] for name in ("empty", "full")}
    ratio = slow["full"] / slow["empty"]
    aims = [
        Aim(
            what=f"(g) {kind} with {CASES:,} cases, warm p99",
            aim=f"≤ {most:g} ms",
            found=f"{figure(raw[f'{kind} warm'][0]['answer_p99_ms'])} ms",
            met=raw[f"{kind} warm"][0]["answer_p99_ms"] <= most,
        )
        for kind, most in AIMS_MS.items()
    ]
    aims.append(
        Aim(
            what=f"(g) POST to queue at {RATE:g}/s, full against empty tables, p50",
            aim=f"≤ {SLOWER_MOST:g}",
            found=f"{figure(ratio)}",
            met=ratio <= SLOWER_MOST,
        )
    )
    return Result(
        title=f"(g) At size: {CASES:,} cases",
        how=(
            "A year of cases over all communities of the city (sizes by Zipf's law), two in a "
            "hundred open, filled into the tables of dispatch and tracking by SQL. Another product "
            "with empty tables runs beside it, and reports go to the two by turns, for the "
            "machine's speed changes within minutes. Then the filled one is "
            f"stopped and started again, then one client asks: {COLD} times with PostgreSQL's own "
            f"buffers empty (cold; the system's cache is not), then {WARM} times. The searches are "
            "by state, category, community, box, a word of 200 cases and one of all, half of them "
            "deep in their pages."
        ),
        options=options,
        tables=[
            Table(
                title="Answers over HTTP, ms",
                columns=["", "cold p50", "cold p99", "warm p50", "warm p99"],
                rows=rows,
            ),
            Table(
                title=f"POST to queue at {RATE:g}/s, p50 in ms",
                columns=["empty tables", "full tables", "ratio"],
                rows=[[figure(slow["empty"]), figure(slow["full"]), figure(ratio)]],
            ),
        ],
        aims=aims,
        raw=raw,
        plans=plans,
    )
