"""HTTP between services: one question with a service key, its answer or a plain reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, TypeVar

import httpx
import msgspec

TIMEOUT_S = 10.0
NOWHERE = "http://127.0.0.1:9"
OUR_FAULT = ("/problems/unauthorized", "/problems/forbidden")
"""Said of the service key, never of a client."""

T = TypeVar("T")


class Away(Exception):
    """The service does not answer, or not as it should."""


class Refused(Exception):
    """The service says no: its status, the fields that it names, when to ask again."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(str(answer.status_code))
        self.status = answer.status_code
        self.retry_after = answer.headers.get("retry-after", "")
        self.problem = _Problem()
        with suppress(msgspec.MsgspecError):
            self.problem = msgspec.json.decode(answer.content, type=_Problem)


class FieldTold(msgspec.Struct):
    """A field and what is wrong with it."""

    field: str
    detail: str


class _Problem(msgspec.Struct):
    type: str = ""
    title: str = ""
    errors: list[FieldTold] = []


class Internal:
    """One service's internal interface."""

    def __init__(self, url: str, service_key: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=url or NOWHERE,
            timeout=TIMEOUT_S,
            trust_env=False,
            headers={"Authorization": f"Bearer {service_key}"},
        )

    async def post(self, path: str, body: Any, shape: type[T], language: str = "en") -> T:
        """JSON there and back. Raises Away, Refused."""
        headers = {"Content-Type": "application/json", "Accept-Language": language}
        return await self._sent(path, msgspec.json.encode(body), headers, {}, shape)

    async def post_bytes(
        self, path: str, query: dict[str, str], data: AsyncIterator[bytes], shape: type[T]
    ) -> T:
        """Bare bytes there, JSON back. Raises Away, Refused."""
        headers = {"Content-Type": "application/octet-stream"}
        return await self._sent(path, data, headers, query, shape)

    async def get_bytes(self, path: str) -> tuple[str, bytes]:
        """A file of a few megabytes with its content type. Raises Away, Refused."""
        answer = _checked(await self._send("GET", path))
        return answer.headers.get("content-type", ""), answer.content

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.aclose()

    async def _sent(
        self,
        path: str,
        content: Any,
        headers: dict[str, str],
        query: dict[str, str],
        shape: type[T],
    ) -> T:
        answer = _checked(
            await self._send("POST", path, content=content, headers=headers, params=query)
        )
        try:
            return msgspec.json.decode(answer.content, type=shape)
        except msgspec.MsgspecError as error:
            raise Away("not the shape that we know") from error

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise Away(type(error).__name__) from error


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.status_code >= 500:
        raise Away(str(answer.status_code))
    if answer.status_code < 400:
        return answer
    refused = Refused(answer)
    if refused.problem.type in OUR_FAULT:
        raise Away(refused.problem.type)
    raise refused
