"""People's apps as they have to be: the same key again until there is an answer."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp
from PIL import Image

from runtime.backoff import Backoff
from runtime.tokens import Caller, SigningKey
from tests.faults.ledger import Ledger

PATIENCE_S = 120.0
MOST_CONNECTIONS = 80
ANSWER_S = 30.0
"""Of silence on a connection; to wait for a free one is not the server's fault."""
AGAIN_S = (0.1, 1.0)


@dataclass(frozen=True)
class Reporter:
    """A device's session: whose it is, and its access token."""

    id: str
    token: str


class People:
    """Reporters with sessions, and staff with tokens of the installation's own key."""

    def __init__(self, url: str, key_file: Path, ledger: Ledger) -> None:
        self._url = url
        self._key = SigningKey.read(key_file)
        self._ledger = ledger
        self._tokens: dict[tuple[str, str], str] = {}
        self._media: str | None = None
        self.handler = str(uuid4())
        self.operator = self.token("operator", str(uuid4()))

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=ANSWER_S),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.close()

    def token(self, role: str, subject: str, community: str = "") -> str:
        """An access token; one a role, person and community."""
        known = self._tokens.get((subject, community))
        if known is None:
            codes = frozenset({community}) if community else frozenset()
            caller = Caller(sub=subject, role=role, session_id=str(uuid4()), communities=codes)
            known = self._key.sign(caller, datetime.now(UTC))
            self._tokens[(subject, community)] = known
        return known

    def handler_of(self, community: str) -> str:
        """The one handler's token for that community."""
        return self.token("handler", self.handler, community)

    async def reporter(self) -> Reporter:
        """A new device's session."""
        _, given = await self.call("POST", "/v1/sessions", None, {"device_id": str(uuid4())})
        self._ledger.reporters.add(given["reporter_id"])
        return Reporter(given["reporter_id"], given["access_token"])

    async def register(self, reporter: Reporter, community: str) -> None:
        """报到备案: asked for, and confirmed by a handler there."""
        body = {"community": community}
        _, made = await self.call("POST", "/v1/me/registration", reporter.token, body)
        path = f"/v1/communities/{community}/registrations/{made['id']}/confirm"
        await self.call("POST", path, self.handler_of(community))
        self._ledger.confirmed.add(reporter.id)

    async def after_photo(self) -> str:
        """The handler's photo, sent once: every proof shows it."""
        if self._media is None:
            picture = BytesIO()
            Image.new("RGB", (64, 48), (40, 120, 60)).save(picture, "JPEG")
            _, given = await self.call(
                "POST", "/v1/media", self.token("handler", self.handler, "-"), picture.getvalue()
            )
            self._media = str(given["id"])
        return self._media

    async def call(
        self,
        method: str,
        path: str,
        token: str | None,
        body: Any = None,
        *,
        until: Collection[int] = (200, 201, 202, 204),
        wait: Collection[int] = (),
    ) -> tuple[int, dict[str, Any]]:
        """The answer with a status in `until`; tries again while it is away, or says `wait`.

        503 is waited out; any other 5xx is noted for the oracle (I9).
        """
        headers = {"Idempotency-Key": str(uuid4())}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        deadline = time.monotonic() + PATIENCE_S
        last, backoff = "nothing", Backoff(first_s=AGAIN_S[0], most_s=AGAIN_S[1])
        while time.monotonic() < deadline:
            try:
                async with self._http.request(
                    method, self._url + path, headers=headers, **sent
                ) as answer:
                    status, content = answer.status, await answer.read()
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                last = type(error).__name__
            else:
                if status in until:
                    return status, json.loads(content) if content else {}
                last = f"{method} {path}: {status} {content[:200]!r}"
                if status >= 500 and status != 503:
                    self._ledger.bad_answers.append(last)
                assert status >= 500 or status in wait, last
                if status in wait:
                    await backoff.wait()
                    continue
            self._ledger.retries += 1
            await backoff.wait()
        raise AssertionError(f"no answer within {PATIENCE_S:.0f} s: {last}")
