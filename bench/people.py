"""Who sends and who handles: reporters with sessions, staff with tokens of the same key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from bench.client import Client, request
from bench.places import CATEGORY, Spot
from runtime.tokens import Caller, SigningKey


class People:
    """Tokens last half an hour, longer than any measurement."""

    def __init__(self, client: Client, key_file: Path) -> None:
        self._client = client
        self._key = SigningKey.read(key_file)

    async def reporters(self, count: int) -> list[str]:
        """The access tokens of so many new reporters."""
        return [await self._reporter() for _ in range(count)]

    async def _reporter(self) -> str:
        body = json.dumps({"device_id": str(uuid4())}).encode()
        given = json.loads(await self._client.ask(request("POST", "/v1/sessions", "", body), 201))
        return str(given["access_token"])

    def staff(self, role: str, *communities: str) -> str:
        """A handler of these communities, or an operator."""
        caller = Caller(
            sub=str(uuid4()),
            role=role,
            session_id=str(uuid4()),
            communities=frozenset(communities),
        )
        return self._key.sign(caller, datetime.now(UTC))


def report_body(spots: Iterator[Spot]) -> bytes:
    """A report about a bin at the next spot, as an app sends it."""
    spot = next(spots)
    place = {"lat": spot.lat, "lon": spot.lon}
    return msgspec.json.encode({"text": "垃圾桶满了，没人收", "category": CATEGORY, "place": place})
