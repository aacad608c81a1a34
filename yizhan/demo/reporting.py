"""A report's way, from the shutter to the queue, told while it happens."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from contracts.places import from_wgs84
from yizhan.demo import camera, pictures
from yizhan.demo.live import Live
from yizhan.demo.people import Reporter
from yizhan.demo.raw import Raw
from yizhan.demo.scenes import Scene
from yizhan.demo.stage import Sent, Stage

PHOTO_AGE = timedelta(minutes=4)
PLACE_SOURCES = {"exif": "照片 EXIF", "client": "手机 phone", "answer": "回答 answer"}
LAST = {"CaseAssigned", "ReportJoined", "ReportRefused"}
TOLD = {"CaseAssigned": "CaseOpened"}
"""The event that the reporter hears of, where it is not the last one itself."""


async def send(stage: Stage, scene: Scene, reporter: Reporter, *, twice: bool = False) -> Sent:
    """Sends the scene and shows every hop up to the queue (or the question, or the refusal).

    `twice`: the network broke after the first attempt, and the phone sends once more.
    """
    stage.screen.line(f"\n  {scene.name.zh} · {scene.name.en}", "title")
    stage.screen.line(f"     {_said(stage, scene)}", "dim")
    photo, form, key = _photo(stage, scene), _form(scene), str(uuid4())
    stage.inboxes[scene.key] = live = Live(reporter, "/v1/me/stream")
    stage.tasks.append(asyncio.create_task(live.watch()))
    await asyncio.wait_for(live.open.wait(), 30)
    began = time.time()
    given = await reporter.report(form, photo, key)
    stage.screen.step(_ms(began), "POST", f"202 {given['code']}", "good")
    if twice:
        again = await reporter.report(form, photo, key)
        stage.retries.append((given["id"], again["id"]))
        text = f"202 {again['code']}  断网重发，同一编号 · sent again, the same report"
        stage.screen.step(_ms(began), "POST again", text)
    sent = Sent(scene, given["id"], reporter)
    stage.sent[scene.key] = sent
    await follow(stage, sent, began)
    return sent


async def follow(stage: Stage, sent: Sent, began: float, *, after: int = 0) -> None:
    """Shows what Kafka carries about the report; then that the handler's screen shows it."""
    final = None
    # A photo that is read late: the reporter is asked meanwhile, and the photo answers.
    last = LAST if sent.scene.place_by != "nobody" or after else LAST | {"PlaceAsked"}
    async for record in stage.witness.follow(sent.report_id, lambda r: r.type in last, after):
        if record.topic == "notices":
            continue
        hop_ms = (record.seen_at - began) * 1000
        stage.screen.step(hop_ms, record.topic, _told(stage, record), _style(record))
        final = record
    assert final is not None
    sent.case = final.case
    if final.case:
        await _on_screen(stage, sent, began, final)
    event = TOLD.get(final.type, final.type)
    told = await stage.inboxes[sent.scene.key].until(lambda shown: shown.body["type"] == event)
    ms = (told.at - began) * 1000
    stage.screen.step(ms, "SSE", f"通知上报人 the reporter is told: {told.body['title']}", "good")


async def _on_screen(stage: Stage, sent: Sent, began: float, final: Raw) -> None:
    community = str(sent.case["community"])
    if queue := stage.queues.get(community):
        case_id = sent.case_id
        shown = await queue.until(
            lambda each: each.type == final.type and each.body["case"]["id"] == case_id
        )
        text = f"进入队列 in the queue of {stage.community(community)}"
        stage.screen.step((shown.at - began) * 1000, "SSE", text, "good")
    clocks = sent.case["clocks"]
    limits = [f"签收 accept {stage.local(clocks['accept_by'])}"]
    if safe_by := clocks.get("make_safe_by"):
        limits.append(f"排险 safe {stage.local(safe_by)}")
    provisional = " 暂定 provisional" if clocks.get("provisional") else ""
    limits.append(f"处置 resolve {stage.local(clocks['resolve_by'])}{provisional}")
    stage.screen.step(_ms(began), "clocks", "  ".join(limits))


def _told(stage: Stage, record: Raw) -> str:
    case, body = record.case, record.body
    if record.type == "ReportNormalised":
        source = PLACE_SOURCES[body["place"].get("source", "client")]
        return f"ReportNormalised  {stage.category(body.get('category'))}, 位置来自 {source}"
    if record.type == "ReportRefused":
        reason = stage.city.refusal(body["reason"])
        said = f"{reason.name.zh} · {reason.name.en}" if reason else body["reason"]
        return f"ReportRefused  {said}"
    if record.type == "PlaceAsked":
        return "PlaceAsked  请告诉我们地点 · where is it?"
    if record.type == "ReportJoined":
        return f"ReportJoined  {case['code']}, 相距 {body['distance_m']:.0f} m: 同一件事 me too"
    if record.topic == "cases":
        danger = "  危险 DANGER" if case.get("dangerous") else ""
        return f"{record.type}  {case['code']} → {case['state']}{danger}"
    return record.type


def _style(record: Raw) -> str:
    return "bad" if record.type == "ReportRefused" else ""


def _said(stage: Stage, scene: Scene) -> str:
    lat, lon = scene.at
    place = {
        "photo": f"照片 EXIF {lat:.4f}, {lon:.4f}",
        "wgs84": f"手机 GPS {lat:.4f}, {lon:.4f}",
        "gcj02": "手机地图 GCJ-02 {:.4f}, {:.4f}".format(*from_wgs84(lat, lon, "gcj02")),
        "nobody": "没有位置 no place",
    }[scene.place_by]
    text = f"“{scene.text}”" if scene.text else "没有文字 no words"
    return f"{text} + {place}" if scene.painter is None else f"{text} + 照片 photo, {place}"


def _photo(stage: Stage, scene: Scene) -> bytes | None:
    if scene.painter is None:
        return None
    picture = pictures.draw(scene.painter, seed=_seed(scene))
    taken_at = datetime.now(UTC).astimezone(stage.screen.zone) - PHOTO_AGE
    place = scene.at if scene.place_by == "photo" else None
    return camera.jpeg(picture, taken_at=taken_at, place=place)


def _form(scene: Scene) -> dict[str, Any]:
    form: dict[str, Any] = {} if scene.text is None else {"text": scene.text}
    if scene.place_by in ("wgs84", "gcj02"):
        crs = scene.place_by
        lat, lon = from_wgs84(*scene.at, "gcj02") if crs == "gcj02" else scene.at
        form |= {"lat": f"{lat:.7f}", "lon": f"{lon:.7f}", "crs": crs}
    return form


def _seed(scene: Scene) -> int:
    return sum(scene.key.encode())


def _ms(began: float) -> float:
    return (time.time() - began) * 1000
