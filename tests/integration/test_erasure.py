"""DELETE /v1/me: nothing of the person in any table, file or log, and nothing comes back."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from click.testing import CliRunner

from runtime.tokens import Caller, SigningKey
from tests.integration import hands, whole_set
from tests.integration.edge_set import edge
from tests.integration.hands import Hands
from tests.integration.photo_files import quarters, saved
from yizhan.cli import cli
from yizhan.embedded.postgres import binary
from yizhan.environment import Installation, database_url

WORDS, ANSWER, NEIGHBOUR = "三号楼王家门口的井盖丢了", "我住三楼二零一", "井盖没有了请快来"
PLACE = {"lat": 34.2229173, "lon": 108.9517339, "crs": "gcj02"}
BESIDE = {"lat": 34.2229291, "lon": 108.9517401, "crs": "gcj02"}
MAY_KEEP_ID = {("rewards", t) for t in ("accounts", "months", "claims", "ledger")}
MAY_KEEP_REPORT = {
    ("dispatch", "case_reports"), ("dispatch", "cases"), ("dispatch", "outbox"),
    ("dispatch", "feed"), ("tracking", "cases"), ("rewards", "claims"), ("rewards", "ledger"),
    ("notify", "notices"), ("notify", "outbox"),
}  # fmt: skip
"""Which report a case began with stays: it leads to no person any more."""


@dataclass
class Person:
    """A reporter's client, and what may not be found afterwards."""

    client: httpx.AsyncClient
    id: str
    device: str
    refresh: str
    media: str = ""
    report: str = ""
    code: str = ""


@dataclass
class World:
    """Everything of one installation."""

    installed: Installation
    url: str
    log: Path
    hands: Hands
    clients: AsyncExitStack

    def client(self, token: str) -> httpx.AsyncClient:
        made = httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )
        self.clients.push_async_callback(made.aclose)
        return made

    async def person(self, words: str, place: dict[str, object], photo: bytes) -> Person:
        """Somebody who sends one report with a photo."""
        device = f"device-{uuid4()}"
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as nobody:
            made = (await nobody.post("/v1/sessions", json={"device_id": device})).json()
        client = self.client(made["access_token"])
        found = Person(client, made["reporter_id"], device, made["refresh_token"])
        found.media = (await client.post("/v1/media", content=photo)).json()["id"]
        sent = await client.post(
            "/v1/reports",
            json={"text": words, "place": place, "category": "01001", "media": [found.media]},
            headers={"Idempotency-Key": "a-report"},
        )
        assert sent.status_code == 202, sent.text
        found.report, found.code = sent.json()["id"], sent.json()["code"]
        await self.hands.pump()
        await self.hands.work()
        await self.hands.pump()
        return found

    def staff(self, role: str, *communities: str) -> httpx.AsyncClient:
        key = SigningKey.read(self.installed.data.secrets.signing_key_file)
        caller = Caller(str(uuid4()), role, str(uuid4()), frozenset(communities))
        return self.client(key.sign(caller, datetime.now(UTC)))

    async def holding(self, *needles: str) -> dict[str, set[tuple[str, str]]]:
        """By needle: the (schema, table)s whose rows show it, in text or in bytes."""
        found: dict[str, set[tuple[str, str]]] = {each: set() for each in needles}
        for schema, db in self.hands.dbs.items():
            tables = await db.fetch(
                "select relname from pg_class where relnamespace = current_schema()::regnamespace"
                " and relkind in ('r', 'p') and not relispartition"
            )
            for table in (row["relname"] for row in tables):
                rows = await db.fetch(f'select t::text as row from "{table}" t')
                text = "\n".join(row["row"] for row in rows)
                for needle in needles:
                    if needle in text or needle.encode().hex() in text:
                        found[needle].add((schema, table))
        return found

    async def holds_nothing_of(self, person: Person) -> None:
        """But their id as a pseudonym and in the set of the erased."""
        never = [WORDS, ANSWER, "34.2229173", "108.9517339", person.media, person.device]
        found = await self.holding(*never, person.code, person.report, person.id)
        erased = {(service, table) for service in self.hands.dbs for table in ("erased", "jobs")}
        allowed: dict[str, set[tuple[str, str]]] = {each: set() for each in (*never, person.code)}
        allowed[person.report] = MAY_KEEP_REPORT
        allowed[person.id] = MAY_KEEP_ID | erased | {("intake", "outbox"), ("notify", "recipients")}
        assert {n: t - allowed[n] for n, t in found.items() if t - allowed[n]} == {}
        rows = await self.hands.dbs["intake"].fetch(
            "select headers->>'ce_type' as type from outbox where key = $1", person.id.encode()
        )
        assert {row["type"] for row in rows} <= {"ObserverErased"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with whole_set.installation(tmp_path_factory.mktemp("erasure")) as found:
        yield found


@pytest.fixture
async def world(installed: Installation, tmp_path: Path) -> AsyncIterator[World]:
    log = tmp_path / "edge.log"
    with edge(installed, log) as url:
        async with hands.opened(installed) as found, AsyncExitStack() as clients:
            yield World(installed, url, log, found, clients)


async def holds_all_of(person: Person) -> None:
    """The person's own copy."""
    answer = await person.client.get("/v1/me/export")
    copy = answer.json()
    assert copy["complete"] and copy["profile"]["id"] == person.id
    assert [each["id"] for each in copy["media"]] == [person.media]
    assert [each["accepted"]["text"] for each in copy["reports"]] == [WORDS]
    assert copy["reports"][0]["case"]["state"] == "accepted"
    assert [each["note"] for each in copy["said"]] == [ANSWER]
    assert [each["community"] for each in copy["registrations"]] == ["610102001003"]
    assert copy["notices"] and NEIGHBOUR not in answer.text


def dump(installed: Installation, schema: str, file: Path) -> None:
    url = database_url(installed.database, schema, installed.data)
    command = [binary("pg_dump"), "-Fc", "-n", schema, "--data-only", "-f", file, url]
    subprocess.run(list(map(str, command)), check=True)


async def restore(world: World, schema: str, file: Path) -> None:
    db = world.hands.dbs[schema]
    tables = await db.fetch(
        "select format('%I', relname) as name from pg_class"
        " where relnamespace = current_schema()::regnamespace"
        " and relkind in ('r', 'p') and not relispartition"
    )
    await db.execute(f"truncate {', '.join(row['name'] for row in tables)}")
    url = database_url(world.installed.database, schema, world.installed.data)
    subprocess.run([str(binary("pg_restore")), "-d", url, str(file)], check=True)


async def test_forgotten_everywhere_and_for_good(world: World, tmp_path: Path) -> None:
    mine = await world.person(WORDS, PLACE, saved(quarters(), "JPEG"))
    other = await world.person(NEIGHBOUR, BESIDE, saved(quarters(320, 240), "JPEG"))
    registered = await mine.client.post("/v1/me/registration", json={"community": "610102001003"})
    assert registered.status_code == 201
    case = (await mine.client.get(f"/v1/reports/{mine.report}")).json()["case"]
    assert case["report_count"] == 2
    commented = await mine.client.post(f"/v1/cases/{case['id']}/comment", json={"note": ANSWER})
    assert commented.status_code == 200, commented.text
    key = {"Idempotency-Key": "a-handlers"}
    handler = world.staff("handler", case["community"]["code"])
    body = {"revision": case["revision"]}
    accepted = await handler.post(f"/v1/cases/{case['id']}/accept", json=body, headers=key)
    assert accepted.status_code == 200 and WORDS in accepted.text
    await mine.client.put("/v1/me/preferences", json={"language": "en"})
    await mine.client.post("/v1/me/subscriptions", json={"case_id": case["id"]})
    await world.hands.pump()
    await holds_all_of(mine)
    stats = (await world.staff("operator").get("/v1/stats")).json()
    old = {each: tmp_path / f"{each}.dump" for each in ("dispatch", "tracking", "notify", "intake")}
    for schema, file in old.items():
        dump(world.installed, schema, file)

    before = await world.holding(WORDS, "34.2229173", mine.id)
    assert all(len({schema for schema, _ in tables}) > 1 for tables in before.values())
    photo = world.installed.data.media / "originals" / mine.media[-2:] / mine.media
    assert photo.exists()

    assert (await mine.client.delete("/v1/me")).status_code == 204
    for path in ("/v1/me", "/v1/reports", "/v1/me/inbox", f"/v1/media/{mine.media}"):
        assert (await mine.client.get(path)).status_code == 401
    again = {"device_id": mine.device, "refresh_token": mine.refresh}
    refreshed = {"refresh_token": again["refresh_token"]}
    assert (await mine.client.post("/v1/sessions/refresh", json=refreshed)).status_code == 401
    await world.hands.pump()
    await world.hands.work()
    await world.hands.pump()
    await world.holds_nothing_of(mine)
    assert not photo.exists()
    assert not list((world.installed.data.media / "served").rglob(f"{mine.media}*"))

    seen = (await other.client.get(f"/v1/reports/{other.report}")).json()
    assert (seen["case"]["state"], seen["case"]["report_count"]) == ("accepted", 2)
    assert (await world.staff("operator").get("/v1/stats")).json()["total"] == stats["total"]
    shown = (await handler.get(f"/v1/cases/{case['id']}")).json()
    assert [each["id"] for each in shown["media"]] == [other.media]

    await world.hands.replay()
    await world.holds_nothing_of(mine)

    for schema, file in old.items():
        await restore(world, schema, file)
    with pytest.raises(AssertionError):  # the dumps really bring the person back
        await world.holds_nothing_of(mine)
    environment = {"YIZHAN_DATABASE_URL": f"postgresql://{world.installed.database}"}
    run, folder = CliRunner(env=environment), ["--data", str(world.installed.data.path)]
    assert run.invoke(cli, ["erasures", "check", *folder]).exit_code == 1
    assert run.invoke(cli, ["erasures", "reapply", *folder]).exit_code == 0
    await world.hands.work()
    assert run.invoke(cli, ["erasures", "check", *folder]).exit_code == 0
    text = world.log.read_text()
    assert not any(each in text for each in (WORDS, ANSWER, mine.device, mine.refresh))
    await world.holds_nothing_of(mine)


async def test_only_a_person_and_only_oneself(world: World) -> None:
    for client in (world.staff("handler"), world.staff("operator"), world.client("nonsense")):
        assert (await client.delete("/v1/me")).status_code in (401, 403)


async def test_what_is_sent_meanwhile_goes_too(world: World) -> None:
    """A request that passed the check of its token before the erasure, and wrote after it."""
    mine = await world.person(WORDS, PLACE, saved(quarters(), "JPEG"))
    await mine.client.delete("/v1/me")
    intake = world.hands.dbs["intake"]
    await intake.execute(
        "insert into idempotency_keys (actor, key, request_hash, answer) values ($1, 'k', '', $2)",
        mine.id,
        WORDS.encode(),
    )
    await world.hands.pump()
    await world.hands.work()
    await world.holds_nothing_of(mine)
