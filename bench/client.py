"""The smallest HTTP client that can drive a server: its own cost must not be what is measured."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from uuid import uuid4

from yizhan.ports import LOOPBACK

LIMIT_BYTES = 1 << 20
AGAIN_S = 0.2
MOST_503 = 50
IDLE_S = 2.0
"""Shorter than any server keeps a connection, so that no request meets its end."""
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Refused(Exception):
    """An answer that a measurement does not have: the run is broken."""


def request(
    method: str,
    path: str,
    token: str = "",
    body: bytes = b"",
    *,
    content_type: str = "application/json",
) -> bytes:
    """The bytes of one request, with an idempotency key of its own."""
    lines = [f"{method} {path} HTTP/1.1", "host: bench", f"content-length: {len(body)}"]
    if token:
        lines.append(f"authorization: Bearer {token}")
    if body:
        lines.append(f"content-type: {content_type}")
    if method == "POST":
        lines.append(f"idempotency-key: {uuid4()}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Client:
    """Kept-alive connections to one server, opened when none is idle: nobody queues here.

    `put_off` counts the answers 503.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.put_off = 0
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, sent: bytes, *expected: int) -> bytes:
        """The answer's body; 503 is waited out as an app does, with the same key.

        Raises Refused for any other status that is not expected.
        """
        status, body = await self._once(sent)
        for _ in range(MOST_503):
            if status != 503 or 503 in expected:
                break
            self.put_off += 1
            await asyncio.sleep(AGAIN_S)
            status, body = await self._once(sent)
        if status in expected:
            return body
        what = sent.split(b" HTTP", 1)[0].decode()
        raise Refused(f"{what}: {status} {body[:300].decode()}")

    async def _once(self, sent: bytes) -> tuple[int, bytes]:
        reader, writer = await self._connection()
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        self._idle.append((time.monotonic(), reader, writer))
        return int(head[9:12]), body

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            used_at, reader, writer = self._idle.pop()
            if time.monotonic() - used_at < IDLE_S and not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(LOOPBACK, self._port)

    async def events(self, path: str, token: str = "") -> AsyncIterator[bytes]:
        """The data of each server-sent event, for as long as the stream is open."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self._port, limit=LIMIT_BYTES)
        try:
            writer.write(request("GET", path, token))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise Refused(f"{path}: {head[9:12].decode()}")
            yield b""
            while line := await reader.readline():
                if line.startswith(b"data: "):
                    yield line[6:]
        finally:
            writer.close()

    def close(self) -> None:
        """Drops the idle connections."""
        while self._idle:
            self._idle.pop()[2].close()
