"""Observers register (报到备案), and points follow: at once, late, taken back, or still waiting."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from yizhan.demo import handling, scenes
from yizhan.demo.handling import Play
from yizhan.demo.people import Person
from yizhan.demo.stage import Sent, Stage

STREET_DIGITS = 9
LOOK_S, LOOK_AGAIN_S = 30.0, 0.05


@dataclass(frozen=True, kw_only=True)
class Earner:
    """What the reporter of a scene has once it closed, and in the end: (balance, pending)."""

    closed: tuple[int, int]
    end: tuple[int, int]
    lines: int


EARNERS = {
    "bin": Earner(closed=(10, 0), end=(10, 0), lines=1),
    "same-bin": Earner(closed=(1, 0), end=(1, 0), lines=1),
    "manhole": Earner(closed=(20, 0), end=(20, 0), lines=3),  # credited, reversed, credited
    "lamp": Earner(closed=(0, 10), end=(10, 0), lines=2),  # held, then released
    "greenery": Earner(closed=(0, 10), end=(10, 0), lines=2),
    "water": Earner(closed=(0, 20), end=(0, 20), lines=1),  # registered where nobody knows them
    "railing": Earner(closed=(0, 5), end=(0, 5), lines=1),  # stays anonymous
    "outside": Earner(closed=(0, 0), end=(0, 0), lines=0),
    "smoke": Earner(closed=(0, 0), end=(0, 0), lines=0),
}
"""By the city's rules (cities/xian/rewards.yaml, categories.yaml), counted by hand."""
TAKEN_BACK = (0, 0)
"""What the reporter of the manhole has while the case is open again."""


async def registration(stage: Stage) -> None:
    """Four register; three are known and confirmed at once, one has to wait for it."""
    for scene in (scenes.BIN, scenes.SAME_BIN, scenes.MANHOLE):
        await _confirm(stage, stage.sent[scene.key], await _ask(stage, stage.sent[scene.key]))
    stage.waiting = await _ask(stage, stage.sent["lamp"])
    both = {"community": str(scenes.WATER.community)}
    problem = await stage.sent["bin"].reporter.ask("POST", "/v1/me/registration", 409, json=both)
    stage.refused_elsewhere += 1
    stage.screen.person("市民 reporter", f"再到别处报到 elsewhere as well: 409 {problem['title']}")
    elsewhere = scenes.GREENERY_NEIGHBOUR
    given = await _ask(stage, stage.sent["water"], elsewhere)
    await _decide(stage, elsewhere, given, "refuse", reason="other-area")


async def points(stage: Stage) -> None:
    """Who is registered has them; the others' wait. Then what changes them."""
    await _look(stage, {key: earner.closed for key, earner in EARNERS.items()})
    sent = stage.sent["manhole"]
    await handling.reopened(Play(stage, sent))
    await _look(stage, {"manhole": TAKEN_BACK})
    await handling.closed_again(Play(stage, sent))
    stage.screen.line("\n  补办报到 · Registered late", "title")
    await _confirm(stage, stage.sent["lamp"], stage.waiting)
    street = str(scenes.GREENERY.community)[:STREET_DIGITS]
    greenery = stage.sent["greenery"]
    await _decide(stage, street, await _ask(stage, greenery, street), "confirm")
    stage.points = await _look(stage, {key: earner.end for key, earner in EARNERS.items()})


async def _ask(stage: Stage, sent: Sent, place: str | None = None) -> dict[str, Any]:
    """POST /v1/me/registration, with the community of the scene unless another is named."""
    body = {"community": place or sent.scene.community}
    given = await sent.reporter.ask(
        "POST", "/v1/me/registration", 201, json=body, headers={"Idempotency-Key": str(uuid4())}
    )
    text = f"{sent.scene.name.zh}的上报人 → {given['name']}  {given['state']}  {given['code']}"
    stage.screen.person("市民 reporter", text)
    return given


async def _confirm(stage: Stage, sent: Sent, given: dict[str, Any]) -> None:
    await _decide(stage, str(sent.scene.community), given, "confirm")


async def _decide(
    stage: Stage, place: str, given: dict[str, Any], decision: str, **body: str
) -> None:
    """A handler there looks at who waits, and says yes or no."""
    handler = stage.handlers.get(place) or _of_street(stage, place)
    where = f"/v1/communities/{place}/registrations"
    waiting = (await handler.ask("GET", where))["registrations"]
    found = next(each for each in waiting if each["id"] == given["id"])
    after = await handler.ask("POST", f"{where}/{found['id']}/{decision}", json=body or None)
    why = f"  {after['reason']}" if after["reason"] else ""
    stage.screen.person("社区 handler", f"{decision} {found['code']} → {after['state']}{why}")


def _of_street(stage: Stage, street: str) -> Person:
    """A handler of any community in it decides for a street."""
    return next(h for code, h in stage.handlers.items() if code.startswith(street))


async def _look(
    stage: Stage, wanted: dict[str, tuple[int, int]]
) -> dict[str, tuple[tuple[int, int], int]]:
    """GET /v1/me/points of these until they are as they should be; (points, lines) by scene."""
    stage.screen.line("\n  积分 · Points", "title")
    found = {}
    for key, should in wanted.items():
        sent = stage.sent[key]
        have = await _until(sent, should)
        lines = (await sent.reporter.ask("GET", "/v1/me/points/entries"))["entries"]
        found[key] = have, len(lines)
        newest = f"{lines[0]['reason']} {lines[0]['step']}" if lines else ""
        balance, waits = f"余额 balance {have[0]:3d}", f"待发放 pending {have[1]:3d}"
        stage.screen.checked(
            have == should, f"{balance}  {waits}  {sent.scene.name.zh}  {newest}".rstrip()
        )
    return found


async def _until(sent: Sent, should: tuple[int, int]) -> tuple[int, int]:
    """As it should be, or as it is after a while."""
    deadline = time.monotonic() + LOOK_S
    while True:
        body = await sent.reporter.ask("GET", "/v1/me/points")
        have = body["balance"], body["pending"]
        if have == should or time.monotonic() > deadline:
            return have
        await asyncio.sleep(LOOK_AGAIN_S)
