"""Everything of one installation but its broker: an edge, workers by hand, people with phones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx

from runtime.tokens import Caller, SigningKey
from tests.integration import hands
from tests.integration.edge_set import edge
from tests.integration.hands import Hands
from yizhan.environment import Installation

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
    secret: str
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
        found = Person(
            client, made["reporter_id"], device, made["refresh_token"], made["device_secret"]
        )
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

    async def holds_nothing_of(self, person: Person, words: Collection[str]) -> None:
        """But their id as a pseudonym and in the set of the erased."""
        never = [*words, person.media, person.device]
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


@asynccontextmanager
async def opened(installed: Installation, folder: Path) -> AsyncIterator[World]:
    """The edge's log is in that folder."""
    log = folder / "edge.log"
    with edge(installed, log) as url:
        async with hands.opened(installed) as found, AsyncExitStack() as clients:
            yield World(installed, url, log, found, clients)
