"""The acts in their order. To add one: write a function of the stage, give it a row in ACTS,
and say in expectations.py what it adds."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from contracts.city import Wording
from yizhan.demo import crowd, earning, fixed_clock, machines, reporting, scenes, telling
from yizhan.demo.handling import PLAYS, Play
from yizhan.demo.live import Live
from yizhan.demo.metrics_pages import figures
from yizhan.demo.people import Reporter, Unexpected, staff
from yizhan.demo.stage import Sent, Stage

LOOK_S, LOOK_AGAIN_S = 30.0, 0.05


@dataclass(frozen=True)
class Act:
    """One screen."""

    name: Wording
    play: Callable[[Stage], Awaitable[None]]


async def watching(stage: Stage) -> None:
    """Handlers open the live queues of their communities."""
    codes = {scene.community for scene in scenes.CASES} | {scenes.GREENERY_NEIGHBOUR}
    for code in sorted(filter(None, codes)):
        handler = staff(stage.product, "handler", code)
        live = Live(handler, f"/v1/communities/{code}/stream")
        stage.handlers[code], stage.queues[code] = handler, live
        stage.tasks.append(asyncio.create_task(live.watch()))
        page = await handler.ask("GET", f"/v1/communities/{code}/queue")
        await asyncio.wait_for(live.open.wait(), 30)
        waiting = len(page["cases"])
        stage.screen.line(f"  {stage.community(code)}: 待办 waiting {waiting}, 实时 live")
    if stage.areas.synthetic:
        stage.screen.line(
            "  社区边界为模拟数据 · the outlines of the communities are SYNTHETIC", "bad"
        )


async def listening(stage: Stage) -> None:
    """An operator's webhooks, a neighbour's subscription."""
    await machines.listen(stage)
    await telling.subscribe(stage)


async def five_examples(stage: Stage) -> None:
    """One tap each; the first phone loses its network and sends twice."""
    for scene in scenes.EXAMPLES:
        reporter = await Reporter.open(stage.product.url)
        await reporting.send(stage, scene, reporter, twice=scene is scenes.BIN)


async def harder_ones(stage: Stage) -> None:
    """A photo alone, a second report of the same bin, a place elsewhere, no place at all."""
    for scene in (scenes.RAILING, scenes.SAME_BIN, scenes.OUTSIDE):
        await reporting.send(stage, scene, await Reporter.open(stage.product.url))
    reporter = await Reporter.open(stage.product.url)
    sent = await reporting.send(stage, scenes.SMOKE, reporter)
    known, began = len(stage.witness.records), time.time()
    lat, lon = scenes.SMOKE.at
    await reporter.ask(
        "POST", f"/v1/reports/{sent.report_id}/place", 202, json={"lat": lat, "lon": lon}
    )
    stage.screen.step(
        (time.time() - began) * 1000, "POST place", f"回答 answered: {lat:.4f}, {lon:.4f}", "good"
    )
    await reporting.follow(stage, sent, began, after=known)


async def queues(stage: Stage) -> None:
    """What the handlers find."""
    for scene in scenes.CASES:
        code = str(scene.community)
        page = await stage.handlers[code].ask("GET", f"/v1/communities/{code}/queue")
        case = next((c for c in page["cases"] if c["id"] == stage.sent[scene.key].case_id), None)
        if case is None:
            raise Unexpected(f"{scene.key} is not in the queue of {code}")
        stage.screen.line(
            f"  {case['code']}  {scene.name.zh}  {case['state']}  "
            f"上报 reports {case['report_count']}  照片 photos {len(case['media'])}  "
            f"签收 accept {stage.local(case['clocks']['accept_by'])}"
            + ("  危险 DANGER" if case["dangerous"] else "")
        )


async def handlers_at_work(stage: Stage) -> None:
    """Accepted, proved, closed; one returned, one disputed, one refused."""
    for scene in scenes.CASES:
        await PLAYS[scene.key](Play(stage, stage.sent[scene.key]))


async def reporters_look(stage: Stage) -> None:
    """GET /v1/reports/{id}: the read side has followed."""
    for key, end in scenes.ENDS.items():
        sent = stage.sent[key]
        report = await _at_its_end(sent, end, earning.EARNERS[key].lines)
        stage.timelines[key] = about = Counter(line["about"] for line in report["timeline"])
        case = report["case"] or {}
        reason = case.get("refusal") or report["refusal"]
        owner = f"{case['community']['name']}  " if case.get("community") else ""
        told = f"  {reason['text']}" if reason else ""
        stage.seen[key] = case.get("state") or report["status"]
        stage.screen.person(
            "市民 reporter",
            f"{report['code']}  {sent.scene.name.zh}  {owner}{stage.seen[key]}{told}",
        )
        timeline = f"步骤 steps {about['case']}, 积分 points {about['points']}, "
        stage.screen.line(f"        {timeline}通知 notices {about['notice']}", "dim")


async def _at_its_end(sent: Sent, end: str, points: int) -> dict[str, Any]:
    """The report as its reporter sees it, once it has come there; else as it is after a while.

    `points`: so many lines of its timeline tell of points then.
    """
    deadline = time.monotonic() + LOOK_S
    while True:
        report = await sent.reporter.ask("GET", f"/v1/reports/{sent.report_id}")
        state = (report["case"] or {}).get("state") or report["status"]
        told = sum(line["about"] == "points" for line in report["timeline"])
        if (state, told) == (end, points) or time.monotonic() > deadline:
            return report
        await asyncio.sleep(LOOK_AGAIN_S)


async def calendar(stage: Stage) -> None:
    """Deadlines that depend on the day, on a fixed clock."""
    for row in fixed_clock.ROWS:
        accept_by, resolve_by = fixed_clock.found(row, stage.city)
        stage.screen.line(f"  {row.why}", "title")
        good = (accept_by, resolve_by) == (row.accept_by, row.resolve_by)
        told = f"立案 opened {row.opened}  签收 accept {accept_by}  处置 resolve {resolve_by}"
        stage.screen.checked(good, told)


async def a_crowd(stage: Stage) -> None:
    """Many at once; the throughput as /metrics of the processes tells it."""
    before = await figures(stage.product.metric_urls())
    took_s = await crowd.send_all(stage, stage.crowd_size)
    after = await figures(stage.product.metric_urls())
    stage.screen.line("\n  来自各进程 /metrics · from /metrics of the processes:", "dim")
    for (service, topic), sent in sorted(after.sent.items()):
        more = sent - before.sent.get((service, topic), 0)
        if more:
            text = f"  {service:<10}→ {topic:<12}{more:6.0f} events {more / took_s:7.0f}/s"
            stage.screen.line(text)
    for (service, topic), applied in sorted(after.applied.items()):
        key = (service, topic)
        more = applied - before.applied.get(key, 0)
        if more:
            hop_s = (after.hop_s[key] - before.hop_s.get(key, 0)) / more
            stage.screen.line(
                f"  {topic:<11} → {service:<11}{more:6.0f} events {more / took_s:7.0f}/s"
                f"   平均 mean hop {hop_s * 1000:6.0f} ms"
            )
    if queued := after.queued - before.queued:
        mean_s = (after.post_to_queue_s - before.post_to_queue_s) / queued
        stage.screen.line(f"  上报到入队 POST → queue: mean {mean_s * 1000:.0f} ms under this load")


ACTS: tuple[Act, ...] = (
    Act(Wording("社区值班", "Handlers watch their queues"), watching),
    Act(Wording("机器和邻居也在听", "Machines and a neighbour listen"), listening),
    Act(Wording("五个例子", "Five examples"), five_examples),
    Act(Wording("不那么顺的四件", "Four less simple ones"), harder_ones),
    Act(Wording("社区队列", "The queues"), queues),
    Act(Wording("报到备案", "Observers register"), earning.registration),
    Act(Wording("处置与核查", "Handled, proven, closed"), handlers_at_work),
    Act(Wording("积分", "Points"), earning.points),
    Act(Wording("市民看到的", "What reporters see"), reporters_look),
    Act(Wording("通知", "What they were told"), telling.inboxes),
    Act(Wording("机器收到的", "What machines got"), machines.delivered),
    Act(Wording("时限（固定时钟）", "Deadlines on a fixed clock"), calendar),
    Act(Wording("一大批", "A crowd"), a_crowd),
)
