"""Webhooks as operators and receivers see them: signed, filtered, logged, retried."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from contracts.cases import CaseAccepted, CaseAssigned, CaseClosed, CaseCommented
from contracts.notices import NoticeDelivered, NoticeFailed
from services.notify.domain.targets import Address
from services.notify.timers import timers
from tests.integration.notify_set import Notify, installation, opened, until
from tests.integration.receivers import Receiver, receiver
from tests.integration.service_set import Environment
from tests.notify_facts import about, case, event


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("notify")
    with installation(path / "data") as told:
        yield told


@pytest.fixture
async def notify(env: Environment) -> AsyncIterator[Notify]:
    async with opened(env) as found:
        yield found


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


async def ended(notify: Notify, webhook: dict[str, Any], state: str, count: int = 1) -> Any:
    """The deliveries once so many are in that state."""

    async def so_many() -> bool:
        return len(await notify.deliveries(webhook, state=state)) >= count

    await until(so_many)
    return await notify.deliveries(webhook, state=state)


async def test_a_receiver_verifies_what_it_gets(notify: Notify, there: Receiver) -> None:
    made = await notify.webhook(there.url("good"))
    assert made["secret"].startswith("whsec_")
    told = event(about(CaseAssigned))
    async with notify.working():
        await notify.give(told)
        (line,) = await ended(notify, made, "delivered")
    (got,) = there.requests
    body = Webhook(made["secret"]).verify(got.body, got.headers)
    assert (body["id"], body["type"]) == (str(told.event_id), "CaseAssigned")
    assert got.headers["webhook-id"] == line["id"]
    assert got.headers["host"] == f"127.0.0.1:{there.port}"
    assert got.headers["content-type"] == "application/json"
    assert (line["attempts"], line["last_status"], line["last_error"]) == (1, 204, None)
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(got.body + b" ", got.headers)
    said = [each for each in await notify.events() if each.subject == line["id"]]
    assert isinstance(said[0].body, NoticeDelivered)
    assert (said[0].seq, said[0].body.event_id) == (1, str(told.event_id))
    assert said[0].body.recipient_id == made["id"]


async def test_a_replay_sends_nothing_again(notify: Notify, there: Receiver) -> None:
    made = await notify.webhook(there.url("good"))
    told = [event(about(CaseAssigned)), event(about(CaseClosed))]
    async with notify.working():
        await notify.give(*told)
        await ended(notify, made, "delivered", 2)
        await notify.sql("truncate inbox")
        await notify.give(*told, event(about(CaseAccepted)))
        await ended(notify, made, "delivered", 3)
    ids = [each.headers["webhook-id"] for each in there.requests]
    assert len(ids) == len(set(ids)) == 3


async def test_filters_and_switches(notify: Notify, there: Receiver) -> None:
    far = "610113001005"
    await notify.webhook(there.url("good-all"))
    await notify.webhook(there.url("good-type"), event_types=["CaseClosed"])
    await notify.webhook(there.url("good-far"), communities=[far])
    await notify.webhook(there.url("good-lamps"), categories=["01037"])
    off = await notify.webhook(there.url("good-off"), active=False)
    async with notify.working():
        await notify.give(
            event(about(CaseAssigned)),
            event(about(CaseAssigned, case(community=far))),
            event(about(CaseClosed, case(category="01037"))),
            event(about(CaseCommented, note="not offered")),
        )

        async def all_sent() -> bool:
            return len(there.requests) >= 6

        await until(all_sent)
        sent = (await notify.client("operator").post(f"/v1/webhooks/{off['id']}/test")).json()
        (line,) = await ended(notify, off, "failed")
    assert (line["id"], line["last_error"]) == (sent["id"], "the webhook is switched off")
    counts = {path: len(there.at(f"good-{path}")) for path in ("all", "type", "far", "lamps")}
    assert counts == {"all": 3, "type": 1, "far": 1, "lamps": 1}
    assert not there.at("good-off")


async def test_two_secrets_while_one_is_rotated(notify: Notify, there: Receiver) -> None:
    made = await notify.webhook(there.url("good"))
    operator = notify.client("operator")
    answer = await operator.post(f"/v1/webhooks/{made['id']}/secret")
    fresh = answer.json()
    assert fresh["secret"] != made["secret"] and fresh["previous_secret_until"]
    async with notify.working():
        assert (await operator.post(f"/v1/webhooks/{made['id']}/test")).status_code == 202
        await ended(notify, made, "delivered")
        (got,) = there.requests
        for secret in (made["secret"], fresh["secret"]):
            Webhook(secret).verify(got.body, got.headers)
        assert json.loads(got.body)["type"] == "WebhookTest"
        await notify.sql("update webhooks set previous_until = now() - interval '1 s'")
        await operator.post(f"/v1/webhooks/{made['id']}/test")
        await ended(notify, made, "delivered", 2)
    last = there.requests[-1]
    Webhook(fresh["secret"]).verify(last.body, last.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(last.body, last.headers)


async def test_dead_after_the_last_attempt_and_retried_by_hand(
    notify: Notify, there: Receiver
) -> None:
    made = await notify.webhook(there.url("500"))
    operator = notify.client("operator")
    async with notify.working():
        await notify.give(event(about(CaseAssigned)))
        (line,) = await ended(notify, made, "failed")
        assert (line["attempts"], line["last_status"]) == (3, 500)
        failed = [each.body for each in await notify.events() if each.type == "NoticeFailed"]
        assert isinstance(failed[0], NoticeFailed)
        assert (failed[0].reason, failed[0].attempts) == ("status 500", 3)
        there.healed = True
        retry = f"/v1/webhooks/{made['id']}/deliveries/{line['id']}/retry"
        answer = await operator.post(retry, headers={"Idempotency-Key": "once"})
        assert (answer.status_code, answer.json()["state"]) == (202, "pending")
        (line,) = await ended(notify, made, "delivered")
    assert line["attempts"] == 4
    told = [(each.type, each.seq) for each in await notify.events() if each.subject == line["id"]]
    assert told == [("NoticeFailed", 1), ("NoticeDelivered", 2)]
    assert len({each.headers["webhook-id"] for each in there.requests}) == 1
    assert len({each.body for each in there.requests}) == 1
    again = await operator.post(retry)
    assert (again.status_code, again.json()["state"]) == (409, "delivered")
    assert (await operator.post(retry, headers={"Idempotency-Key": "once"})).status_code == 202
    other = await notify.webhook(there.url("good"))
    foreign = retry.replace(made["id"], other["id"])
    assert (await operator.post(foreign)).status_code == 404
    await notify.sql("update deliveries set created_at = now() - interval '31 days'")
    assert [await timer.tick(notify.context.db) for timer in timers()] == [0, 1]


async def test_crud(notify: Notify, there: Receiver) -> None:
    operator = notify.client("operator")
    body = {"url": there.url("good"), "description": "工单系统"}
    headers = {"Idempotency-Key": "make"}
    made = await operator.post("/v1/webhooks", json=body, headers=headers)
    again = await operator.post("/v1/webhooks", json=body, headers=headers)
    assert made.json() == again.json()
    at = f"/v1/webhooks/{made.json()['id']}"
    listed = (await operator.get("/v1/webhooks")).json()
    assert [each["id"] for each in listed["webhooks"]] == [made.json()["id"]]
    assert "CaseAssigned" in listed["event_types"]
    assert "secret" not in (await operator.get(at)).json()
    changed = await operator.put(at, json=body | {"categories": ["01012"], "active": False})
    # A code that another category covers is filed under that one.
    assert (changed.json()["categories"], changed.json()["active"]) == (["01023"], False)
    for field, value in (
        ("event_types", ["CaseCommented"]),
        ("communities", ["1"]),
        ("categories", ["x"]),
        ("secret", "whsec_mine"),
    ):
        assert (await operator.post("/v1/webhooks", json=body | {field: value})).status_code == 422
    assert (await operator.delete(at)).status_code == 204
    for answer in (
        await operator.get(at),
        await operator.put(at, json=body),
        await operator.delete(at),
        await operator.post(f"{at}/test"),
        await operator.post(f"{at}/secret"),
        await operator.get(f"{at}/deliveries"),
        await operator.post(f"{at}/deliveries/{uuid4()}/retry"),
    ):
        assert answer.status_code == 404
    reporter = notify.reporter("r-1")
    assert (await reporter.get("/v1/webhooks")).status_code == 403
    assert (await reporter.post("/v1/webhooks", json=body)).status_code == 403


async def test_the_log_in_pages(notify: Notify, there: Receiver) -> None:
    made = await notify.webhook(there.url("good"))
    await notify.give(*(event(about(CaseAssigned)) for _ in range(5)))
    at = f"/v1/webhooks/{made['id']}/deliveries"
    operator = notify.client("operator")
    first = (await operator.get(at, params={"limit": 3})).json()
    second = (await operator.get(at, params={"limit": 3, "cursor": first["cursor"]})).json()
    ids = [each["id"] for each in first["deliveries"] + second["deliveries"]]
    assert (len(ids), len(set(ids)), second["cursor"]) == (5, 5, None)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "not a public one"),
        ("https://10.0.0.1/", "not a public one"),
        ("https://private.example/", "address 10.1.1.1 is not a public one"),
        ("gopher://127.0.0.1/", "only https"),
        ("https://u:p@example.com/", "no user name"),
        ("https://2130706433/", "not a host name"),
    ],
)
async def test_a_refused_url_says_why(notify: Notify, url: str, reason: str) -> None:
    async def resolver(host: str, port: int) -> Sequence[Address]:
        return [ip_address("10.1.1.1")]

    notify.context.resolver = resolver
    answer = await notify.client("operator", language="en").post("/v1/webhooks", json={"url": url})
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, "/problems/refused-webhook-url")
    assert reason in problem["detail"] and problem["errors"][0]["field"] == "url"
    chinese = await notify.client("operator").post("/v1/webhooks", json={"url": url})
    assert chinese.json()["title"] == "不能向该网址发送"
