"""Another city's software: it receives webhooks on the loopback and keeps what came."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True)
class Received:
    """One request: its path, headers in lower case, raw body, when (monotonic seconds)."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Receiver:
    """`requests` is its log; every request is answered 204. Subclasses answer otherwise."""

    port: int = 0
    requests: list[Received] = field(default_factory=list)

    def url(self, path: str) -> str:
        """Where it takes requests for that path."""
        return f"http://127.0.0.1:{self.port}/{path}"

    def at(self, path: str) -> list[Received]:
        """What came to that path."""
        return [each for each in self.requests if each.path == f"/{path}"]

    async def answer(
        self, got: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Writes the answer to a request."""
        say(writer, 204)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        with suppress(OSError, asyncio.IncompleteReadError):
            got = await _read(reader)
            self.requests.append(got)
            await self.answer(got, reader, writer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
        """On a free port, meanwhile."""
        connections: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections.add(task)
            try:
                # Cancelled only by the end of the listening.
                with suppress(asyncio.CancelledError):
                    await self._serve(reader, writer)
            finally:
                connections.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in list(connections):
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)


@dataclass
class VerifyingReceiver(Receiver):
    """Takes only what an independent library finds signed with the path's secret; else 401."""

    secrets: dict[str, str] = field(default_factory=dict)
    verified: list[Received] = field(default_factory=list)
    refused: list[Received] = field(default_factory=list)

    async def answer(
        self, got: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """204 or 401."""
        good = is_signed(got, self.secrets.get(got.path.strip("/"), ""))
        (self.verified if good else self.refused).append(got)
        say(writer, 204 if good else 401)


def is_signed(got: Received, secret: str) -> bool:
    """What the library of the Standard Webhooks says of headers and body."""
    if not secret:
        return False
    try:
        Webhook(secret).verify(got.body, got.headers)
    except WebhookVerificationError:
        return False
    return True


def say(writer: asyncio.StreamWriter, status: int) -> None:
    """A whole answer without a body."""
    length = b"" if status == 204 else b"Content-Length: 0\r\n"
    writer.write(b"HTTP/1.1 %d Answer\r\n%sConnection: close\r\n\r\n" % (status, length))


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {
        name.lower(): value
        for name, _, value in (line.partition(": ") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(head[0].split(" ")[1], headers, body, time.monotonic())
