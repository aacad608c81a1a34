"""HTTP between services: one question with a service key, its answer or a plain reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, TypeVar

import httpx
import msgspec

TIMEOUT_S = 10.0
NOWHERE = "http://127.0.0.1:9"
SUSPENDED = b"/problems/reporter-suspended"

T = TypeVar("T")


class Away(Exception):
    """The service does not answer, or not as it should."""


class Refused(Exception):
    """The service says no: its status and the fields that it names."""

    def __init__(self, status: int, problem: bytes) -> None:
        super().__init__(str(status))
        self.status = status
        self.problem = _Problem()
        with suppress(msgspec.MsgspecError):
            self.problem = msgspec.json.decode(problem, type=_Problem)


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
    """401 and 403 are our own service key's fault, but for a reporter who is suspended."""
    if answer.status_code == 403 and SUSPENDED in answer.content:
        raise Refused(answer.status_code, answer.content)
    if answer.status_code in (401, 403) or answer.status_code >= 500:
        raise Away(str(answer.status_code))
    if answer.status_code >= 400:
        raise Refused(answer.status_code, answer.content)
    return answer
