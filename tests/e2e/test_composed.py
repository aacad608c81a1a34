"""A whole life through an installation that is already running: what docker-compose.yml starts.

`YIZHAN_ORIGIN=http://127.0.0.1:8000 python -m pytest tests/e2e/test_composed.py`; staff tokens
are signed with the keys that `make secrets` made (`YIZHAN_KEYS`: another data folder).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.stranger import Client, Json, Reporter, eventually, photo, staff
from tests.integration.running import ROOT

ORIGIN = os.environ.get("YIZHAN_ORIGIN", "")
KEYS = Path(os.environ.get("YIZHAN_KEYS", ROOT / "deploy" / "data"))
HERE = (34.22486, 108.93705, "610113001001")
pytestmark = pytest.mark.skipif(not ORIGIN, reason="YIZHAN_ORIGIN names no installation")


def titles(person: Client, at_least: int) -> list[str]:
    """The person's inbox, oldest first, once so much is in it."""

    def look() -> list[Json] | None:
        notices: list[Json] = person.ask("GET", "/v1/me/inbox")["notices"]
        return notices if len(notices) >= at_least else None

    return [each["title"] for each in reversed(eventually(look, f"{at_least} notices"))]


def test_from_one_photo_to_points_and_notices() -> None:
    lat, lon, community = HERE
    reporter, neighbour = Reporter(ORIGIN), Reporter(ORIGIN)
    handler = staff(ORIGIN, KEYS, "handler", "--community", community)
    area = {"lat": lat, "lon": lon, "radius_m": 300}
    neighbour.ask("POST", "/v1/me/subscriptions", 201, json={"area": area})
    sent = reporter.send(picture=photo((lat, lon), seed=1), category="06042")
    case = handler.waiting(community, sent["id"])
    registered = reporter.ask("POST", "/v1/me/registration", 201, json={"community": community})
    where = f"/v1/communities/{community}/registrations/{registered['id']}/confirm"
    handler.ask("POST", where)
    handler.act(case["id"], "accept")
    proof = handler.ask("POST", "/v1/media", 201, content=photo(None, seed=2))["id"]
    handler.act(case["id"], "resolve", media=[proof])
    assert reporter.act(case["id"], "confirm")["state"] == "closed"
    eventually(lambda: reporter.ask("GET", "/v1/me/points")["balance"] == 10, "ten points")
    assert set(titles(reporter, 6)) == {
        *("已立案", "报到备案成功", "已受理", "已处理，请确认", "已结案", "获得 10 积分")
    }
    assert titles(neighbour, 2) == ["您关注的范围内有新案件", "您关注的案件已结案"]
    seen = reporter.report(sent["id"])
    picture = reporter.http.get(f"/v1/media/{seen['normalised']['media'][0]['id']}")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")


def test_the_door_is_for_clients() -> None:
    assert Client(ORIGIN).http.get("/internal/v1/revocations").status_code == 404
