"""(h) A thousand handlers with their queues open: what one API process needs for them."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack

import asyncpg
import psutil

from bench.client import Client, request
from bench.cpu import Meter
from bench.figures import Run, figure, medians
from bench.people import People, report_body
from bench.places import largest, spots
from bench.results import Aim, Options, Result, Table
from bench.stacks import CITY, Parts, parts, say
from bench.streams import Seen, queues
from cities.areas import load_areas

STREAMS = 1000
REPORTS = 200
AIM_MB = 250.0
IDLE_S = 10.0
SHOWN_WITHIN_S = 60.0
MEGABYTE = 1 << 20
SIZES = (0, STREAMS)
_DONE = "select sum(xact_commit + xact_rollback) from pg_stat_database"
_OPEN = "select count(*) from pg_stat_activity where backend_type = 'client backend'"


async def measure(options: Options) -> Result:
    """Raises what breaks a run."""
    raw: dict[str, list[Run]] = {}
    for number in range(options.runs):
        async with parts(["edge"]) as stack:
            for size in SIZES:
                run = await _run(stack, size)
                raw.setdefault(str(size), []).append(run)
                say(f"crowd {number + 1}: {size} streams, {run['rss_mb']:.0f} MB")
    return _result(options, raw)


async def _run(stack: Parts, size: int) -> Run:
    """So many streams, at rest; then reports come, and each is shown where it belongs."""
    client, areas = Client(stack.port), load_areas(CITY)
    people = People(client, stack.data.secrets.signing_key_file)
    # The five that reports come from are among them.
    codes = list(dict.fromkeys([*largest(areas), *areas.communities]))[:size]
    edge = psutil.Process(stack.pids()["edge"])
    admin = await asyncpg.connect(stack.admin())
    try:
        async with AsyncExitStack() as streams:
            seen = await streams.enter_async_context(queues(client, people, codes))
            meter, before = Meter({"edge": edge.pid}), await admin.fetchval(_DONE)
            await asyncio.sleep(IDLE_S)
            run: Run = {
                "rss_mb": edge.memory_info().rss / MEGABYTE,
                "connections": float(await admin.fetchval(_OPEN)),
                "transactions": float(await admin.fetchval(_DONE) - before),
                "cpu_s": meter.used()["edge"],
            }
            if size:
                run["shown_s"] = await _shown(stack, client, people, seen)
        return run
    finally:
        await admin.close()


async def _shown(stack: Parts, client: Client, people: People, seen: Seen) -> float:
    """Until all that was reported there is shown, with two workers beside."""
    for name in ("intake", "dispatch"):
        await stack.start(name)
    (token,) = await people.reporters(1)
    places = spots(load_areas(CITY), seed=5)
    began = asyncio.get_running_loop().time()
    for _ in itertools.repeat(None, REPORTS):
        await client.ask(request("POST", "/v1/reports", token, report_body(places)), 202)
    async with asyncio.timeout(SHOWN_WITHIN_S):
        while len(seen.at) < REPORTS:
            await asyncio.sleep(0.05)
    return asyncio.get_running_loop().time() - began


def _result(options: Options, raw: dict[str, list[Run]]) -> Result:
    found = {name: medians(runs) for name, runs in raw.items()}
    none, many = found["0"], found[str(STREAMS)]
    rows = [
        [
            name,
            figure(run["rss_mb"]),
            figure(run["connections"]),
            figure(run["transactions"]),
            figure(run["cpu_s"]),
            figure(run["shown_s"]) if "shown_s" in run else "",
        ]
        for name, run in found.items()
    ]
    more = many["connections"] - none["connections"]
    return Result(
        title="(h) A thousand open streams",
        how=(
            f"{STREAMS:,} handlers hold the live queues of as many communities, on one edge alone "
            "with Kafka and PostgreSQL; memory, connections and transactions are read at rest, "
            f"over {IDLE_S:g} s. Then {REPORTS} reports come one after the other, with the workers "
            "of intake and dispatch beside, until all are shown."
        ),
        options=options,
        tables=[
            Table(
                title="One API process",
                columns=[
                    "streams",
                    "RSS MB",
                    "connections to PostgreSQL",
                    f"transactions in {IDLE_S:g} s",
                    "CPU s for them",
                    f"s until {REPORTS} are shown",
                ],
                rows=rows,
                note="The feed reader asks for all streams together; idle workers are not there.",
            )
        ],
        aims=[
            Aim(
                what=f"(h) {STREAMS:,} open streams on one API process, RSS",
                aim=f"≤ {AIM_MB:g} MB",
                found=f"{figure(many['rss_mb'])} MB",
                met=many["rss_mb"] <= AIM_MB,
            ),
            Aim(
                what="(h) connections for them",
                aim="0",
                found=f"{more:g}",
                met=more <= 0,
            ),
        ],
        raw=raw,
    )
