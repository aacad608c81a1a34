"""A real `yizhan up`: a report over HTTP is told to its reporter, live, and to a receiver."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from tests.integration.notify_set import until
from tests.integration.receivers import receiver
from tests.integration.running import Up


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up") / "data")
    running.start({"YIZHAN_NOTIFY_WEBHOOK_LOOPBACK": "1"})
    yield running
    running.stop()


def token(up: Up, *args: str) -> dict[str, str]:
    """A header with a token of `yizhan token`."""
    return {"Authorization": f"Bearer {up.token(*args)}"}


@pytest.mark.slow
async def test_from_a_report_to_an_inbox_a_stream_and_a_webhook(up: Up) -> None:
    origin = f"http://127.0.0.1:{up.port}"
    async with receiver() as there, httpx.AsyncClient(base_url=origin, timeout=20) as client:
        operator = token(up, "--role", "operator")
        made = await client.post("/v1/webhooks", json={"url": there.url("good")}, headers=operator)
        assert made.status_code == 201, made.text
        session = (await client.post("/v1/sessions", json={"device_id": str(uuid4())})).json()
        mine = {"Authorization": f"Bearer {session['access_token']}"}
        report = {
            "text": "垃圾桶满了",
            "category": "06042",
            "place": {"lat": 34.2245, "lon": 108.9470, "crs": "wgs84"},
        }
        other = (await client.post("/v1/sessions", json={"device_id": str(uuid4())})).json()
        neighbours = {"Authorization": f"Bearer {other['access_token']}"}
        area = {"lat": 34.2236, "lon": 108.9470, "radius_m": 300}
        asked = await client.post("/v1/me/subscriptions", json={"area": area}, headers=neighbours)
        assert asked.status_code == 201, asked.text
        events: list[str] = []
        async with client.stream("GET", "/v1/me/stream", headers=mine) as stream:
            assert stream.status_code == 200
            started = time.monotonic()
            sent = await client.post("/v1/reports", json=report, headers=mine)
            assert sent.status_code == 202, sent.text
            async for line in stream.aiter_lines():
                events.append(line)
                if line.startswith("data: "):
                    break
        print(f"from POST to the reporter's stream: {time.monotonic() - started:.3f} s")
        assert "event: NoticeDelivered" in events and "id: 1" in events
        page: dict[str, Any] = (await client.get("/v1/me/inbox", headers=mine)).json()
        assert [each["title"] for each in page["notices"]] == ["已立案"]
        assert page["notices"][0]["report_id"] == sent.json()["id"]
        english = await client.get("/v1/me/inbox", headers=mine | {"Accept-Language": "en"})
        assert english.json()["notices"][0]["title"] == "Case opened"

        async def neighbour_heard() -> bool:
            inbox = (await client.get("/v1/me/inbox", headers=neighbours)).json()
            return [each["title"] for each in inbox["notices"]] == ["您关注的范围内有新案件"]

        await until(neighbour_heard, 60)

        async def both_came() -> bool:
            return len(there.requests) >= 2

        await until(both_came, 60)
        verifier = Webhook(made.json()["secret"])
        types = {verifier.verify(got.body, got.headers)["type"] for got in there.requests}
        assert types == {"CaseOpened", "CaseAssigned"}
        log = f"/v1/webhooks/{made.json()['id']}/deliveries"

        async def logged() -> bool:
            found = (await client.get(log, headers=operator, params={"state": "delivered"})).json()
            return len(found["deliveries"]) == 2

        await until(logged, 30)
