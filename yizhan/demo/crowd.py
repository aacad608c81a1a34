"""Many reports at once, all over the city: enough to count and to measure."""

from __future__ import annotations

import asyncio
import random
import time

import shapely

from yizhan.demo.people import Reporter
from yizhan.demo.stage import Stage

REPORTERS = 10
SEED = 2026


async def send_all(stage: Stage, size: int) -> float:
    """Sends them by ten reporters; seconds until the last one has an owner."""
    places = _places(stage, size)
    reporters = await asyncio.gather(*(Reporter.open(stage.product.url) for _ in range(REPORTERS)))
    began = time.monotonic()
    shares = [places[at::REPORTERS] for at in range(REPORTERS)]
    await asyncio.gather(*(_share(stage, r, s) for r, s in zip(reporters, shares, strict=True)))
    accepted_s = time.monotonic() - began
    waiting = set(stage.crowd)
    await stage.witness.until(
        lambda records: waiting <= {r.chain for r in records if r.type == "CaseAssigned"}
    )
    took_s = time.monotonic() - began
    stage.screen.line(
        f"  {size} 条上报 reports: 202 in {accepted_s:.1f} s ({size / accepted_s:.0f}/s), "
        f"全部入队 all in their queues after {took_s:.1f} s ({size / took_s:.0f}/s)"
    )
    return took_s


async def _share(stage: Stage, reporter: Reporter, places: list[tuple[str, float, float]]) -> None:
    for number, (community, lat, lon) in enumerate(places):
        form = {"text": f"第 {number + 1} 条：请来看看", "place": {"lat": lat, "lon": lon}}
        given = await reporter.report(form, None, f"crowd-{number}")
        stage.crowd[given["id"]] = community
    await reporter.http.aclose()


def _places(stage: Stage, size: int) -> list[tuple[str, float, float]]:
    """A point well inside each of as many communities, drawn with a fixed seed."""
    found = []
    for code in random.Random(SEED).choices(list(stage.areas.communities), k=size):
        point = shapely.from_geojson(stage.areas.outline(code)).representative_point()
        found.append((code, round(point.y, 7), round(point.x, 7)))
    return found
