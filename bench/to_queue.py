"""(b) From a POST to the live queue at its client, open loop, beside a bare chain of topics."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bench import settings
from bench.client import Client, request
from bench.cpu import Meter
from bench.figures import Run, figure, medians, percentile, spread_ms
from bench.floors import ground
from bench.load import arrivals, open_loop
from bench.people import People, report_body
from bench.places import largest, spots
from bench.results import Aim, Options, Result, Table
from bench.stacks import CITY, Stack, say, whole
from bench.streams import Seen, floor_stream, queues
from bench.tables import cpu_table, pair
from cities.areas import load_areas
from services.dispatch.domain.opening import case_id_of
from yizhan.ports import free_port

RATES = (50, 100, 200)
WARM_RATE = 50
AIMS = ((50, "p50", 25.0), (50, "p99", 150.0), (100, "p50", 25.0))
"""Reports a second, which share of them, and the most ms."""
WARM_S = 2.0
FIRST_WARM_S = 15.0
"""Kafka's virtual machine compiles what it runs often; a city's broker has done so long ago."""
SHOWN_WITHIN_S = 20.0
REPORTERS = 20


@dataclass(frozen=True)
class Way:
    """How reports go in, and what tells that they are there."""

    client: Client
    post: Callable[[int], bytes]
    seen: Seen
    shown_as: Callable[[str], str]


async def measure(options: Options) -> Result:
    """Raises what breaks a run."""
    raw: dict[str, list[Run]] = {}
    async with whole() as stack, AsyncExitStack() as beside:
        await ground.lay(stack.admin(), stack.kafka)
        port = free_port()
        for arguments in (["api", str(port)], ["intake"], ["dispatch"]):
            await beside.enter_async_context(stack.floor("chain", *arguments))
        ways = {
            "product": await _product(stack, beside),
            "floor": await _floor(port, beside),
        }
        found = settings.of_processes(stack.pids())
        seeds = itertools.count(1)
        for way in ways.values():
            await load(way, WARM_RATE, FIRST_WARM_S, -next(seeds))
        for number in range(options.runs):
            for rate in RATES:
                for name, way in ways.items():
                    run = await _run(stack, way, rate, options.seconds, next(seeds))
                    raw.setdefault(f"{name} {rate}", []).append(run)
                    say(
                        f"to-queue {number + 1}: {name} at {rate}/s: p50 "
                        f"{run['queue_p50_ms']:.1f} ms, p99 {run['queue_p99_ms']:.1f} ms"
                    )
        found |= await settings.sessions(stack)
    return _result(options, raw, found)


@asynccontextmanager
async def product_way(stack: Stack) -> AsyncIterator[Way]:
    """Reports through the product, and a handler's client that looks at the largest queues."""
    async with AsyncExitStack() as beside:
        yield await _product(stack, beside)


async def _product(stack: Stack, beside: AsyncExitStack) -> Way:
    areas = load_areas(CITY)
    places = spots(areas, seed=2)
    client = Client(stack.port)
    people = People(client, stack.data.secrets.signing_key_file)
    seen = await beside.enter_async_context(queues(client, people, largest(areas)))
    tokens = await people.reporters(REPORTERS)

    def post(number: int) -> bytes:
        return request("POST", "/v1/reports", tokens[number % REPORTERS], report_body(places))

    return Way(client, post, seen, case_id_of)


async def _floor(port: int, beside: AsyncExitStack) -> Way:
    places = spots(load_areas(CITY), seed=3)
    client = Client(port)
    seen = await beside.enter_async_context(floor_stream(client))
    return Way(client, lambda _: request("POST", "/v1/reports", "", report_body(places)), seen, str)


async def _run(stack: Stack, way: Way, rate: float, seconds: float, seed: int) -> Run:
    await load(way, rate, WARM_S, -seed)
    meter = Meter(stack.pids())
    run = await load(way, rate, seconds, seed)
    return run | {f"cpu_s {name}": spent for name, spent in meter.used().items()}


async def load(way: Way, rate: float, seconds: float, seed: int) -> Run:
    """Open load; how long each report took to its 202, and to the queue."""
    answer_s: list[float] = []
    queue_s: list[float] = []

    async def send(number: int, due: float) -> None:
        given = json.loads(await way.client.ask(way.post(number), 202))
        answer_s.append(time.monotonic() - due)
        shown_at = await way.seen.until(way.shown_as(given["id"]), SHOWN_WITHIN_S)
        queue_s.append(shown_at - due)

    late = await open_loop(arrivals(rate, seconds, seed), send)
    sent = {"sent": float(len(queue_s)), "late_start_p99_ms": percentile(late, 0.99) * 1e3}
    return spread_ms("answer", answer_s) | spread_ms("queue", queue_s) | sent


def _result(options: Options, raw: dict[str, list[Run]], found: dict[str, str]) -> Result:
    middle = {name: medians(runs) for name, runs in raw.items()}
    rows = [
        [
            str(rate),
            name,
            pair(middle[f"{name} {rate}"], "queue"),
            pair(middle[f"{name} {rate}"], "answer"),
            figure(middle[f"{name} {rate}"]["late_start_p99_ms"]),
        ]
        for rate in RATES
        for name in ("product", "floor")
    ]
    aims = [
        Aim(
            what=f"(b) POST to queue at {rate}/s, {share}",
            aim=f"≤ {most:g} ms",
            found=f"{figure(found_ms)} ms",
            met=found_ms <= most,
        )
        for rate, share, most in AIMS
        for found_ms in (middle[f"product {rate}"][f"queue_{share}_ms"],)
    ]
    return Result(
        title="(b) From POST to the queue",
        how=(
            "Reports come at random instants (Poisson) at a fixed mean rate, whatever became of "
            "the ones before; each is timed from the instant at which it was due (not from when it "
            "was sent) until the event of its case has come on the live stream of a handler's "
            "client. The floor ([floors/chain.py](floors/chain.py)) has the same three topics, "
            "processes and commits (report, submission, case, feed), and nothing else."
        ),
        options=options,
        tables=[
            Table(
                title="Latency, ms",
                columns=["reports /s", "", "queue p50 / p99", "202 p50 / p99", "late start p99"],
                rows=rows,
                note="Late start: how long after its instant the load generator sent it; part of "
                "both latencies.",
            ),
            cpu_table("CPU", middle, [f"product {rate}" for rate in RATES], options.seconds),
            cpu_table("CPU", middle, [f"floor {rate}" for rate in RATES], options.seconds),
        ],
        aims=aims,
        raw=raw,
        settings=found,
    )
