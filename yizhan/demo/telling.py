"""What reporters are told: their inbox, and the same live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from yizhan.demo.hearing import HEARS
from yizhan.demo.live import Shown
from yizhan.demo.people import Reporter
from yizhan.demo.stage import Stage

WITHIN_S, LOOK_AGAIN_S = 30.0, 0.05
PAGE = "/v1/me/inbox?limit=200"


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
