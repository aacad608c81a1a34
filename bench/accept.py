"""(a) Accepted reports a second: the accept path beside its floor, and in the whole product."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator

import asyncpg

from bench import settings
from bench.client import Client, request
from bench.cpu import Meter
from bench.figures import Run, figure, medians, spread_ms
from bench.floors import ground
from bench.load import closed_loop
from bench.people import People, report_body
from bench.places import Spot, spots
from bench.results import Aim, Options, Result, Table
from bench.stacks import CITY, Stack, parts, say, whole
from bench.tables import cpu_table, pair
from cities.areas import load_areas
from yizhan.ports import free_port

CLIENTS = (1, 8, 32)
WARM_S = 1.5
WHOLE_CLIENTS = 8
AIM = 0.5
SETTLE_S = 120.0
_WAITING = "select count(*) from intake.outbox where sent_at is null"
_ON_THE_WAY = """
select (select count(*) from intake.reports) - (select count(*) from dispatch.case_reports)
"""


async def measure(options: Options) -> Result:
    """Raises what breaks a run."""
    anywhere = itertools.cycle(spots(load_areas(CITY), seed=1))  # nobody looks for duplicates
    raw: dict[str, list[Run]] = {}
    async with parts(["edge"]) as stack:
        await ground.lay(stack.admin(), stack.kafka)
        port = free_port()
        async with stack.floor("accept", str(port)):
            found = await settings.of_servers(stack) | settings.of_processes(stack.pids())
            for number in range(options.runs):
                for clients in CLIENTS:
                    for name, to in (("product", stack.port), ("floor", port)):
                        run = await _run(stack, to, clients, options.seconds, anywhere)
                        raw.setdefault(f"{name} {clients}", []).append(run)
                        say(f"accept {number + 1}: {name}, {clients} clients: {run['per_s']:.0f}/s")
            found |= await settings.sessions(stack)
    apart = spots(load_areas(CITY), seed=8)
    async with whole() as everything:
        for _ in range(options.runs):
            run = await _run(everything, everything.port, WHOLE_CLIENTS, options.seconds, apart)
            run["drained_s"] = await _drained(everything)
            raw.setdefault("whole", []).append(run)
            say(f"accept in the whole product: {run['per_s']:.0f}/s")
    return _result(options, raw, found)


async def _run(
    stack: Stack, port: int, clients: int, seconds: float, places: Iterator[Spot]
) -> Run:
    """Warmed up, then measured; what is accepted must be on the topic soon after."""
    client = Client(port)
    tokens = (
        await People(client, stack.data.secrets.signing_key_file).reporters(clients)
        if (port == stack.port)
        else [""] * clients
    )

    async def ask(number: int) -> None:
        body = report_body(places)
        await client.ask(request("POST", "/v1/reports", tokens[number], body), 202)

    await closed_loop(clients, WARM_S, ask)
    meter = Meter(stack.pids())
    took = await closed_loop(clients, seconds, ask)
    used = meter.used()
    client.close()
    run = {"per_s": len(took) / seconds} | spread_ms("answer", took)
    run |= {f"cpu_s {name}": spent for name, spent in used.items()}
    return run | {"unsent_after_s": await _settled(stack)}


async def _settled(stack: Stack) -> float:
    """Seconds until intake's outbox is empty."""
    return await _until_zero(stack, _WAITING)


async def _drained(stack: Stack) -> float:
    """Seconds until every report is in a case."""
    return await _until_zero(stack, _ON_THE_WAY)


async def _until_zero(stack: Stack, sql: str) -> float:
    began = time.monotonic()
    connection = await asyncpg.connect(stack.admin())
    try:
        while await connection.fetchval(sql):
            if time.monotonic() > began + SETTLE_S:
                raise RuntimeError("what was accepted does not arrive")
            await asyncio.sleep(0.05)
    finally:
        await connection.close()
    return time.monotonic() - began


def _result(options: Options, raw: dict[str, list[Run]], found: dict[str, str]) -> Result:
    middle = {name: medians(runs) for name, runs in raw.items()}
    rows, aims = [], []
    for clients in CLIENTS:
        product, floor = middle[f"product {clients}"], middle[f"floor {clients}"]
        ratio = product["per_s"] / floor["per_s"]
        rows.append(
            [
                str(clients),
                figure(product["per_s"]),
                figure(floor["per_s"]),
                figure(ratio),
                pair(product, "answer"),
                pair(floor, "answer"),
            ]
        )
        aims.append(
            Aim(
                what=f"(a) accepted reports/s, {clients} clients, of the floor",
                aim=f"≥ {AIM}",
                found=figure(ratio),
                met=ratio >= AIM,
            )
        )
    all_of_it = middle["whole"]
    return Result(
        title="(a) Reports accepted",
        how=(
            "Clients that send the next report when they have the answer to the last one: JSON "
            "with text, category and place. The product: token, idempotency key, report and outbox "
            "row in one commit, 202; the same process publishes. The floor "
            "([floors/accept.py](floors/accept.py)): bare FastAPI, one insert, publish, 202. Only "
            "the edge, Kafka and PostgreSQL run, no worker; then once more with the whole product "
            "behind it on the same cores, where every report goes on to its queue at once."
        ),
        options=options,
        tables=[
            Table(
                title="Accepted a second",
                columns=[
                    "clients",
                    "product /s",
                    "floor /s",
                    "ratio",
                    "product p50 / p99 ms",
                    "floor p50 / p99 ms",
                ],
                rows=rows,
                note="The times are service times under saturation; for open-loop latency see (b).",
            ),
            Table(
                title=f"In the whole product, {WHOLE_CLIENTS} clients",
                columns=["accepted /s", "p50 / p99 ms", "last report in a case after the load"],
                rows=[
                    [
                        figure(all_of_it["per_s"]),
                        pair(all_of_it, "answer"),
                        f"{figure(all_of_it['drained_s'])} s",
                    ]
                ],
            ),
            cpu_table("CPU, 32 clients", middle, ["product 32", "floor 32"], options.seconds),
        ],
        aims=aims,
        raw=raw,
        settings=found,
    )
