"""Points over HTTP: one's own only; what is held, for operators; the ledger added up again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.cases import CaseClosed, CaseRefused
from tests.cases import case, confirmed, told
from tests.integration.rewards_set import Rewards, installation, opened
from tests.integration.service_set import Environment
from yizhan.ledger_command import checked


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("rewards")
    with installation(path / "data") as found:
        yield found


@pytest.fixture
async def rewards(env: Environment) -> AsyncIterator[Rewards]:
    async with opened(env) as found:
        yield found


async def flagged(rewards: Rewards) -> str:
    """A reporter with three strikes and two held credits."""
    (reporter,) = await rewards.registered()
    refused = [case([reporter], state="refused", refusal="false-report") for _ in range(3)]
    await rewards.give(*(told(CaseRefused, each) for each in refused))
    await rewards.give(*(told(CaseClosed, case([reporter])) for _ in range(2)))
    return reporter


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    return answer.status_code, answer.json()["type"]


async def test_who_never_earned_has_nothing(rewards: Rewards) -> None:
    answer = await rewards.client("reporter").get("/v1/me/points")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["balance"], body["pending"], body["cap"], body["month_points"]) == (0, 0, 300, 0)
    entries = await rewards.client("reporter").get("/v1/me/points/entries")
    assert entries.json() == {"entries": [], "cursor": None}


async def test_pages_of_the_own_ledger_and_of_nobody_elses(rewards: Rewards) -> None:
    first, second = await rewards.registered(2)
    await rewards.give(*(told(CaseClosed, case([first, second])) for _ in range(5)))
    mine, seen, cursor = rewards.client("reporter", first), [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await mine.get("/v1/me/points/entries", params=query)).json()
        seen += page["entries"]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert [(e["reason"], e["step"], e["points"]) for e in seen] == [
        ("first-report", "credited", 10)
    ] * 5
    assert [e["balance"] for e in seen] == [50, 40, 30, 20, 10]
    # Another person's cursor leads to one's own lines only.
    theirs = (await mine.get("/v1/me/points/entries", params={"limit": 1})).json()["cursor"]
    others = rewards.client("reporter", second)
    page = (await others.get("/v1/me/points/entries", params={"cursor": theirs})).json()
    assert {e["points"] for e in page["entries"]} == {1}
    nobody = await rewards.client("reporter").get("/v1/me/points/entries")
    assert nobody.json()["entries"] == []


@pytest.mark.parametrize("cursor", ["!", "abc", "WyJ4Il0", "W10", "WzFd0", "Wy0xXQ", "x" * 401])
async def test_an_unknown_cursor_is_refused(rewards: Rewards, cursor: str) -> None:
    for role, path in (("reporter", "/v1/me/points/entries"), ("operator", "/v1/held-points")):
        answer = await rewards.client(role).get(path, params={"cursor": cursor})
        assert problem(answer) == (422, "/problems/invalid")
        assert answer.json()["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        (None, "GET", "/v1/me/points", 401),
        ("handler", "GET", "/v1/me/points", 403),
        ("operator", "GET", "/v1/me/points/entries", 403),
        ("reporter", "GET", "/v1/held-points", 403),
        ("reporter", "POST", f"/v1/held-points/{UUID(int=7)}/release", 403),
        ("operator", "POST", f"/v1/held-points/{UUID(int=7)}/release", 404),
        ("operator", "POST", "/v1/held-points/mine/release", 422),
        ("operator", "GET", "/v1/held-points?held_for=fun", 422),
    ],
)
async def test_who_may_not(
    rewards: Rewards, role: str | None, method: str, path: str, status: int
) -> None:
    assert problem(await rewards.client(role).request(method, path))[0] == status


async def test_an_operator_releases_and_reverses(rewards: Rewards) -> None:
    reporter = await flagged(rewards)
    operator = rewards.client("operator", "op")
    held = (await operator.get("/v1/held-points")).json()["held"]
    assert [(e["reporter_id"], e["points"], e["strikes"]) for e in held] == [(reporter, 10, 3)] * 2
    path = f"/v1/held-points/{held[0]['id']}"
    key = {"Idempotency-Key": "one"}
    answers = [await operator.post(f"{path}/release", headers=key) for _ in range(2)]
    assert [(a.status_code, a.json()["state"]) for a in answers] == [(200, "credited")] * 2
    again = await operator.post(f"{path}/release")
    assert problem(again) == (409, "/problems/conflict")
    assert (again.json()["state"], again.json()["allowed"]) == ("credited", [])
    other = await operator.post(f"/v1/held-points/{held[1]['id']}/reverse")
    assert (other.status_code, other.json()["state"]) == (200, "reversed")
    assert await rewards.balance(reporter) == (10, 0)
    assert (await operator.get("/v1/held-points")).json()["held"] == []
    by = await rewards.sql("select by_id from ledger order by id desc limit 2")
    assert {row["by_id"] for row in by} == {"op"}
    types = [event.type for event in await rewards.events(reporter)]
    assert types[-2:] == ["PointsReleased", "PointsReversed"]


async def test_what_waits_for_a_registration_is_not_the_operators_to_release(
    rewards: Rewards,
) -> None:
    reporter = str(uuid4())
    await rewards.give(told(CaseClosed, case([reporter])))
    operator = rewards.client("operator")
    assert (await operator.get("/v1/held-points")).json()["held"] == []
    query = {"held_for": "registration"}
    (held,) = (await operator.get("/v1/held-points", params=query)).json()["held"]
    refused = await operator.post(f"/v1/held-points/{held['id']}/release")
    assert problem(refused) == (409, "/problems/conflict")
    assert refused.json()["allowed"] == ["reverse"]
    assert (await operator.post(f"/v1/held-points/{held['id']}/reverse")).status_code == 200
    await rewards.give(confirmed(reporter))
    assert await rewards.balance(reporter) == (0, 0)


async def test_the_ledger_adds_up_until_somebody_touches_it(
    rewards: Rewards, env: Environment
) -> None:
    reporter = await flagged(rewards)
    others = await rewards.registered(2)
    await rewards.give(*(told(CaseClosed, case(others)) for _ in range(33)))
    url = env["YIZHAN_REWARDS_DATABASE_URL"]
    totals, findings = checked(url)
    assert findings == []
    assert totals == {"accounts": 3, "lines": 71, "points": 300 + 33, "pending": 20}
    for change, check in (
        ("update accounts set balance = balance + 1 where reporter_id = $1", "balance"),
        ("update accounts set pending = 0 where reporter_id = $1", "balance"),
        ("update accounts set strikes = 0 where reporter_id = $1", "strikes"),
        ("update months set cap = 400 where $1 <> ''", "cap"),
    ):
        await rewards.sql(change, reporter)
        assert check in {each["check"] for each in checked(url)[1]}, change
