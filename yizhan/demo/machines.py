"""Machines hear as well: webhooks to a receiver that trusts nobody but an independent library."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from contracts.city import Wording
from yizhan.demo.raw import Raw
from yizhan.demo.receiver import Received, is_signed
from yizhan.demo.scenes import BIN
from yizhan.demo.stage import Stage

WITHIN_S, LOOK_AGAIN_S = 30.0, 0.05


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A webhook: its path at the receiver, what it asks for, and by hand whether it gets a case."""

    path: str
    name: Wording
    wants: dict[str, list[str]]
    types: frozenset[str]
    case: Callable[[dict[str, Any]], bool] = lambda case: True

    def hears(self, record: Raw) -> bool:
        """Whether this event has to come to the receiver."""
        return record.topic == "cases" and record.type in self.types and self.case(record.case)


ENDS = frozenset({"CaseClosed", "CaseReopened", "CaseRefused"})
STEPS = frozenset(
    {"CaseOpened", "CaseAssigned", "CaseAccepted", "CaseStarted", "CaseResolved", "CaseConfirmed"}
)
HOOKS = (
    Hook(
        path="ends",
        name=Wording("全市结案、重办、不予立案", "how cases end, in all of the city"),
        wants={"event_types": sorted(ENDS)},
        types=ENDS,
    ),
    Hook(
        path="bins",
        name=Wording("一个社区的垃圾桶，每一步", "bins of one community, every step"),
        wants={"communities": [str(BIN.community)], "categories": [str(BIN.category)]},
        types=ENDS | STEPS | {"CaseVerified"},
        case=lambda case: (
            case.get("community") == BIN.community and case.get("category") == BIN.category
        ),
    ),
)


async def listen(stage: Stage) -> None:
    """An operator subscribes the receiver twice; each webhook has a secret of its own."""
    receiver = stage.receiver
    for hook in HOOKS:
        body = {"url": receiver.url(hook.path), "description": hook.name.zh} | hook.wants
        made = await stage.operator.ask("POST", "/v1/webhooks", 201, json=body)
        receiver.secrets[hook.path] = made["secret"]
        stage.webhooks[hook.path] = made["id"]
        stage.screen.person("中心 operator", f"/{hook.path}: {hook.name.zh} · {hook.name.en}")


async def delivered(stage: Stage) -> None:
    """Every event that a hook asks for has come, signed; then a forgery is tried."""
    await _all_came(stage)
    for hook in HOOKS:
        came = [each for each in stage.receiver.verified if each.path == f"/{hook.path}"]
        stage.screen.line(f"\n  {hook.name.zh} · {hook.name.en}", "title")
        for each in came:
            event = json.loads(each.body)
            case = event["data"]["case"]
            stage.screen.person(
                "机器 machine",
                f"{event['type']:<14}{case['code']} → {case['state']:<12}签名无误 signature holds",
            )
    genuine = stage.receiver.verified[0]
    secret = stage.receiver.secrets[genuine.path.strip("/")]
    stage.forgeries = [is_signed(forged, secret) for forged in _forgeries(genuine)]
    stage.screen.checked(
        not any(stage.forgeries),
        "改一个字节、换一个编号、过期六分钟：都不符 · a byte, another id, six minutes old: no",
    )


def _forgeries(genuine: Received) -> list[Received]:
    """What a machine must not believe."""
    sent_at = int(genuine.headers["webhook-timestamp"])
    return [
        replace(genuine, body=bytes([genuine.body[0] ^ 1]) + genuine.body[1:]),
        replace(genuine, headers=genuine.headers | {"webhook-id": "another"}),
        replace(genuine, headers=genuine.headers | {"webhook-timestamp": str(sent_at - 360)}),
    ]


async def _all_came(stage: Stage) -> None:
    """Until the receiver has what is on the topic, and the log of deliveries says so too."""

    async def all_there() -> bool:
        for hook in HOOKS:
            wanted = {r.headers["ce_id"] for r in stage.witness.records if hook.hears(r)}
            verified = stage.receiver.verified
            came = {json.loads(e.body)["id"] for e in verified if e.path == f"/{hook.path}"}
            path = f"/v1/webhooks/{stage.webhooks[hook.path]}/deliveries?state=delivered&limit=200"
            log = (await stage.operator.ask("GET", path))["deliveries"]
            if wanted - came or len(log) < len(wanted):
                return False
        return True

    async with asyncio.timeout(WITHIN_S):
        while True:
            if await all_there():
                return
            await asyncio.sleep(LOOK_AGAIN_S)
