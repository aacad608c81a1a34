"""(e) How long `yizhan up` takes to say `ready`, and how much memory it takes."""

from __future__ import annotations

import asyncio
import shutil
import time

from bench.client import Client, request
from bench.cpu import memory
from bench.figures import Run, figure, medians
from bench.load import closed_loop
from bench.people import People, report_body
from bench.places import spots
from bench.results import Options, Result, Table
from bench.stacks import CITY, Whole, quiet, say, temporary
from cities.areas import load_areas
from yizhan.demo.product import Product

LOADED_CLIENTS = 4
SETTLE_S = 3.0
KINDS = ("rss_mb", "pss_mb")


async def measure(options: Options) -> Result:
    """Each run: an empty folder, load, stop, the same folder again. Raises what breaks it."""
    raw: dict[str, list[Run]] = {"start": [], "memory at rest": [], "memory after load": []}
    for _ in range(options.runs):
        folder = temporary()
        try:
            started = {"empty_s": await _up(Product(quiet, folder=folder), options, raw)}
            started["again_s"] = await _up(Product(quiet, folder=folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        raw["start"].append(started)
        say(f"start: {started['empty_s']:.1f} s, again {started['again_s']:.1f} s")
    return _result(options, raw)


async def _up(
    product: Product, options: Options | None = None, raw: dict[str, list[Run]] | None = None
) -> float:
    """Seconds until it was ready."""
    began = time.monotonic()
    try:
        await asyncio.to_thread(product.start)
        took_s = time.monotonic() - began
        if options is not None and raw is not None:
            stack = Whole(product)
            await asyncio.sleep(SETTLE_S)
            raw["memory at rest"].append(_memory(stack))
            await _load(stack, options.seconds)
            raw["memory after load"].append(_memory(stack))
    finally:
        await asyncio.to_thread(lambda: product.stop(keep_data=True))
    return took_s


def _memory(stack: Whole) -> Run:
    found: Run = {}
    for name, pid in stack.pids().items():
        used = memory(pid)
        found |= {
            f"{name} processes": float(used.processes),
            f"{name} rss_mb": used.rss,
            f"{name} pss_mb": used.pss,
        }
    return found


async def _load(stack: Whole, seconds: float) -> None:
    places = spots(load_areas(CITY), seed=7)
    client = Client(stack.port)
    tokens = await People(client, stack.data.secrets.signing_key_file).reporters(LOADED_CLIENTS)

    async def ask(number: int) -> None:
        body = report_body(places)
        await client.ask(request("POST", "/v1/reports", tokens[number], body), 202)

    await closed_loop(LOADED_CLIENTS, seconds, ask)
    client.close()


def _result(options: Options, raw: dict[str, list[Run]]) -> Result:
    rest, loaded = medians(raw["memory at rest"]), medians(raw["memory after load"])
    names = [key.removesuffix(" rss_mb") for key in rest if key.endswith(" rss_mb")]
    rows = [
        [
            name,
            figure(rest[f"{name} processes"]),
            *(
                figure(run[f"{name} {kind}"])
                for run in (rest, loaded)
                for kind in ("rss_mb", "pss_mb")
            ),
        ]
        for name in names
    ]
    total = [figure(sum(run[f"{name} pss_mb"] for name in names)) for run in (rest, loaded)]
    rows.append(["together", "", "", total[0], "", total[1]])
    started = medians(raw["start"])
    return Result(
        title="(e) Memory and start",
        how=(
            "`yizhan up` in an empty folder (initdb, formatting, migrations, topics) until it says "
            "`ready`, Kafka's jars being there already; memory after 3 s of rest and after "
            f"{options.seconds:g} s of reports by {LOADED_CLIENTS} clients; then stopped, and up "
            "again in the same folder."
        ),
        options=options,
        tables=[
            Table(
                title="Start, s",
                columns=["empty folder", "again"],
                rows=[[figure(started["empty_s"]), figure(started["again_s"])]],
            ),
            Table(
                title="Memory, MB",
                columns=[
                    "",
                    "processes",
                    "RSS at rest",
                    "PSS at rest",
                    "RSS after load",
                    "PSS after load",
                ],
                rows=rows,
                note="With children. RSS counts a page once for each process that has it "
                "(PostgreSQL's buffers!), PSS divides it among them.",
            ),
        ],
        raw=raw,
    )
