"""What reporters are told: their inbox, and the same live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from yizhan.demo import scenes
from yizhan.demo.hearing import HEARS, TO_NEIGHBOUR
from yizhan.demo.live import Shown
from yizhan.demo.people import Reporter
from yizhan.demo.stage import Stage

WITHIN_S, LOOK_AGAIN_S = 30.0, 0.05
PAGE = "/v1/me/inbox?limit=200"


async def subscribe(stage: Stage) -> None:
    """Somebody who reports nothing wants to know what becomes of bins near the next door."""
    neighbour = await Reporter.open(stage.product.url)
    wish = {"area": scenes.BIN_AREA, "category": scenes.BIN.category}
    given = await neighbour.ask("POST", "/v1/me/subscriptions", 201, json=wish)
    stage.neighbour = await _me(neighbour), neighbour
    category, area = given["category"]["name"], given["area"]
    stage.screen.person(
        "邻居 neighbour", f"订阅 subscribes: {category}, {area['radius_m']} m 以内 within"
    )


async def inboxes(stage: Stage) -> None:
    """The reporter of the bin reads theirs, in Chinese and in English; all are held ready."""
    for key, sent in stage.sent.items():
        page = await _complete(stage, key, await _me(sent.reporter))
        stage.told[key] = [(each["id"], each["type"]) for each in page["notices"]]
        for id_, _ in stage.told[key][:1]:
            await stage.inboxes[key].until(_is(id_))
    bin_ = stage.sent["bin"].reporter
    chinese, english = [
        list(reversed((await _inbox(bin_, language))["notices"])) for language in ("zh-CN", "en")
    ]
    for notice in chinese:
        stage.screen.line(f"  {notice['title']}  {notice['body']}")
    stage.screen.line("  " + " · ".join(notice["title"] for notice in english), "dim")
    await bin_.ask("POST", f"/v1/me/inbox/{chinese[0]['id']}/read")
    unread = (await bin_.ask("GET", "/v1/me/inbox?unread=true"))["unread"]
    stage.read = len(chinese) - unread
    await _neighbour(stage)
    notices = sum(map(len, stage.told.values()))
    live_now = sum(len(live.shown) for live in stage.inboxes.values())
    stage.screen.line(
        f"  {len(stage.told)} 位上报人 reporters: 收件箱 inbox {notices}, 实时 live {live_now}; "
        f"已读 read {stage.read}"
    )


def _is(notice_id: str) -> Callable[[Shown], bool]:
    return lambda shown: bool(shown.body["id"] == notice_id)


async def _inbox(reporter: Reporter, language: str) -> dict[str, Any]:
    return await reporter.ask("GET", PAGE, headers={"Accept-Language": language})


async def _neighbour(stage: Stage) -> None:
    """New and closed, each once; where it is only to a hundred metres."""
    assert stage.neighbour is not None
    _, neighbour = stage.neighbour
    async with asyncio.timeout(WITHIN_S):
        while True:
            notices = (await neighbour.ask("GET", PAGE))["notices"]
            if len(notices) >= len(TO_NEIGHBOUR):
                break
            await asyncio.sleep(LOOK_AGAIN_S)
    stage.neighbour_heard = [each["type"] for each in reversed(notices)]
    for notice in reversed(notices):
        stage.screen.person("邻居 neighbour", notice["title"])
        stage.screen.line(f"        {notice['body']}", "dim")


async def _me(reporter: Reporter) -> str:
    return str((await reporter.ask("GET", "/v1/me"))["id"])


async def _complete(stage: Stage, key: str, reporter_id: str) -> dict[str, Any]:
    """The inbox once it has every notice that the topics say it has to have."""
    reporter = stage.sent[key].reporter
    async with asyncio.timeout(WITHIN_S):
        while True:
            wanted = sum(
                reporter_id in HEARS[each.type](each.body)
                for each in list(stage.witness.records)
                if each.type in HEARS
            )
            page = await reporter.ask("GET", PAGE)
            if len(page["notices"]) >= wanted:
                return page
            await asyncio.sleep(LOOK_AGAIN_S)
