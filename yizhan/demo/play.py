"""Runs the acts on a started product, then holds what happened against the expectations."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from cities.areas import Areas
from contracts.city import City
from yizhan.demo import evidence
from yizhan.demo.acts import ACTS
from yizhan.demo.evidence import Evidence
from yizhan.demo.expectations import EXPECTATIONS, Expectation
from yizhan.demo.people import Unexpected, staff
from yizhan.demo.product import Product
from yizhan.demo.raw import Witness
from yizhan.demo.receiver import VerifyingReceiver
from yizhan.demo.screen import Screen
from yizhan.demo.stage import Stage

Result = dict[str, Any]


async def play(product: Product, screen: Screen, city: City, areas: Areas, crowd: int) -> Stage:
    """The acts; the stage as they leave it. Raises Unexpected, TimeoutError."""
    witness = Witness(product.kafka, evidence.topics())
    operator, receiver = staff(product, "operator"), VerifyingReceiver()
    stage = Stage(product, screen, city, areas, witness, operator, receiver, crowd)
    stage.tasks.append(asyncio.create_task(witness.run()))
    try:
        async with receiver.listening():
            await _with_the_tasks(stage, _acts(stage))
    finally:
        for task in stage.tasks:
            task.cancel()
        await asyncio.gather(*stage.tasks, return_exceptions=True)
    return stage


def count(stage: Stage) -> Result:
    """The result as JSON has it. Raises Trouble when nothing comes to rest."""
    stage.screen.act(
        len(ACTS) + 2, "清点", "Counted from raw topic bytes, SQL and the receiver's log"
    )
    with psycopg.connect(stage.product.admin_url, autocommit=True) as connection:
        found = evidence.gather(stage, connection)
        rows = [_held(stage.screen, found, row) for row in EXPECTATIONS]
    return {
        "ok": all(row["expected"] == row["found"] for row in rows),
        "expectations": rows,
        "records": len(found.records) + found.repeated,
        "repeated": found.repeated,
    }


async def _acts(stage: Stage) -> None:
    for number, act in enumerate(ACTS, start=2):
        stage.screen.act(number, act.name.zh, act.name.en)
        await act.play(stage)


async def _with_the_tasks(stage: Stage, acts: Any) -> None:
    """Ends with the acts, or with the first thing beside them that fails."""
    playing = asyncio.create_task(acts)
    try:
        while not playing.done():
            await asyncio.wait(
                [playing, *stage.tasks], return_when=asyncio.FIRST_COMPLETED, timeout=1
            )
            for task in stage.tasks:
                if task.done():
                    await task
                    raise Unexpected("a live stream ended in the middle of the play")
        await playing
    finally:
        playing.cancel()
        with suppress(asyncio.CancelledError, Exception):  # its own end was raised above
            await playing


def _held(screen: Screen, found: Evidence, row: Expectation) -> Result:
    expected, counted = row.wanted(found), row.count(found)
    differs = "" if counted == expected else f"  应为 expected {expected}"
    screen.checked(counted == expected, f"{row.source:<6} {counted:6d}  {row.what}{differs}")
    return {"source": row.source, "what": row.what, "expected": expected, "found": counted}


def zone_of(city: City) -> ZoneInfo:
    """The city's clock."""
    return ZoneInfo(city.timezone)
