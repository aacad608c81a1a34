"""(c) How fast one worker empties a backlog, beside `getmany` and the same SQL."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from bench import backlog, settings
from bench.cpu import Meter
from bench.figures import Run, figure, medians
from bench.places import spots
from bench.results import Aim, Options, Result, Table
from bench.stacks import CITY, Parts, parts, say
from bench.tables import cpu_table
from cities.areas import load_areas
from contracts.facts import Event
from contracts.submissions import ReportSubmitted

AIM = 0.3
POLL_S = 0.5
STALLED_S = 60.0
EVENTS_OUT = {"intake": 1, "dispatch": 2}
"""A submission becomes a report; a report becomes a case that is opened and assigned."""
_TABLES = {
    "intake": ("inbox", "outbox", "reports", "report_media"),
    "dispatch": ("inbox", "outbox", "feed", "feed_heads", "cases", "case_reports", "case_events"),
}
_DONE = "select count(sent_at) from outbox"
_TOOK = """
select extract(epoch from max(sent_at) - min(created_at))::float8 as sent_s,
       extract(epoch from max(created_at) - min(created_at))::float8 as applied_s
from outbox
"""


async def intake(options: Options) -> Result:
    """Submissions."""
    return await _measure("intake", options)


async def dispatch(options: Options) -> Result:
    """Reports."""
    return await _measure("dispatch", options)


async def _measure(service: str, options: Options) -> Result:
    places = list(itertools.islice(spots(load_areas(CITY), seed=4), options.backlog))
    raw: dict[str, list[Run]] = {}
    async with parts() as stack:
        found: dict[str, str] = {}
        for number in range(options.runs):
            reports = backlog.submissions(places, seed=number)
            before = await backlog.fill(stack.kafka, _events(service, reports))
            for name in ("product", "floor"):
                await _clear(stack, service, reports)
                async with _worker(stack, name, service, before):
                    run = await _watch(stack, service, len(reports), found)
                raw.setdefault(name, []).append(run)
                say(f"drain {service} {number + 1}: {name} {run['per_s']:.0f}/s")
    return _result(service, options, raw, found)


def _events(service: str, reports: Sequence[ReportSubmitted]) -> list[Event]:
    if service == "intake":
        return [backlog.submitted(each) for each in reports]
    now = datetime.now(UTC)
    return [backlog.normalised_of(each, now) for each in reports]


async def _clear(stack: Parts, service: str, reports: Sequence[ReportSubmitted]) -> None:
    """Empty tables but for what the API would have left."""
    connection = await asyncpg.connect(stack.role(service))
    try:
        await connection.execute(f"truncate {', '.join(_TABLES[service])}")
        if service == "intake":
            await backlog.accept(connection, reports)
        await connection.execute("analyze")
    finally:
        await connection.close()


@asynccontextmanager
async def _worker(
    stack: Parts, name: str, service: str, before: dict[int, int]
) -> AsyncIterator[None]:
    """The product's goes on at its group's offsets, the floor's at the ends of before."""
    if name == "product":
        await stack.start(service)
        yield
        await stack.stop(service)
    else:
        async with stack.floor("drain", service, json.dumps(before), stack.role(service)):
            yield


async def _watch(stack: Parts, service: str, events: int, found: dict[str, str]) -> Run:
    """Until all that must leave has left; the rate by the rows' own times."""
    wanted = events * EVENTS_OUT[service]
    meter = Meter(stack.pids())
    connection = await asyncpg.connect(stack.role(service))
    try:
        done, moved_at = 0, time.monotonic()
        while done < wanted:
            await asyncio.sleep(POLL_S)
            now_done = await connection.fetchval(_DONE)
            if now_done > done:
                done, moved_at = now_done, time.monotonic()
            elif time.monotonic() > moved_at + STALLED_S:
                raise RuntimeError(f"{service} stands still at {done} of {wanted}")
        used = meter.used()
        if done > wanted:
            raise RuntimeError(f"{service} sent {done} events instead of {wanted}")
        took = await connection.fetchrow(_TOOK)
        found |= settings.of_processes(stack.pids()) | await settings.sessions(stack)
    finally:
        await connection.close()
    assert took is not None
    run = {"per_s": events / took["sent_s"], "applied_per_s": events / took["applied_s"]}
    return run | {f"cpu_s {name}": spent for name, spent in used.items()}


def _result(
    service: str, options: Options, raw: dict[str, list[Run]], found: dict[str, str]
) -> Result:
    middle = {name: medians(runs) for name, runs in raw.items()}
    ratio = middle["product"]["per_s"] / middle["floor"]["per_s"]
    rows = [
        [name, figure(run["per_s"]), figure(run["applied_per_s"])] for name, run in middle.items()
    ]
    return Result(
        title=f"(c) A backlog of {options.backlog:,}: {service}'s worker",
        how=(
            f"{options.backlog:,} events wait on the topic; one worker, alone with Kafka and "
            "PostgreSQL, takes them: inbox, locks, decision, rows, outbox, one commit a batch, and "
            "its relay publishes what follows. The rate runs from the first commit to the last "
            "acknowledged publication, by the rows' own times. The floor "
            "([floors/drain.py](floors/drain.py)): aiokafka's `getmany`, the same statements with "
            "rows made from a template, publication one batch behind."
        ),
        options=options,
        tables=[
            Table(
                title="Events a second",
                columns=["", "taken and published /s", "taken /s"],
                rows=[*rows, ["ratio", figure(ratio), ""]],
            ),
            cpu_table("CPU", {"product": middle["product"]}, ["product"]),
            cpu_table("CPU", {"floor": middle["floor"]}, ["floor"]),
        ],
        aims=[
            Aim(
                what=f"(c) {service}'s worker from a backlog, of the floor",
                aim=f"≥ {AIM}",
                found=figure(ratio),
                met=ratio >= AIM,
            )
        ],
        raw=raw,
        settings=found,
    )
