"""A receiver of webhooks that behaves as badly as its path says."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

BAD = ("slow", "trickle", "reset", "500", "429", "301", "big", "silent")


@dataclass(frozen=True)
class Received:
    """One request: its path, headers in lower case, raw body, when."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Receiver:
    """Listens on the loopback; `requests` is its log. `/good…` answers 204."""

    port: int = 0
    requests: list[Received] = field(default_factory=list)
    open_now: dict[str, int] = field(default_factory=dict)
    most_open: dict[str, int] = field(default_factory=dict)
    healed: bool = False

    def url(self, path: str) -> str:
        """Where that behaviour lives."""
        return f"http://127.0.0.1:{self.port}/{path}"

    def at(self, path: str) -> list[Received]:
        """What came to that path."""
        return [each for each in self.requests if each.path == f"/{path}"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        with suppress(OSError, asyncio.IncompleteReadError):
            path = await self._request(reader)
            self.open_now[path] = self.open_now.get(path, 0) + 1
            self.most_open[path] = max(self.most_open.get(path, 0), self.open_now[path])
            try:
                await self._answer(path.strip("/").split("-")[0], reader, writer)
            finally:
                self.open_now[path] -= 1
            writer.close()
            await writer.wait_closed()

    async def _request(self, reader: asyncio.StreamReader) -> str:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = head[0].split(" ")[1]
        self.requests.append(Received(path, headers, body, time.monotonic()))
        return path

    async def _answer(
        self, how: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if how == "good" or self.healed:
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        elif how in ("slow", "silent"):
            await _is_gone(reader, 30)
        elif how == "trickle":
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc":
                writer.write(bytes([byte]))
                await writer.drain()
                if await _is_gone(reader, 1):
                    break
        elif how == "reset":
            found = writer.get_extra_info("socket")
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "big":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n")
            for _ in range(160):
                writer.write(b"x" * 65536)
                await writer.drain()
        elif how == "301":
            here = self.url("good-secret").encode()
            writer.write(
                b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: " + here + b"\r\n\r\n"
            )
        elif how == "429":
            writer.write(b"HTTP/1.1 429 Slow down\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()


async def _is_gone(reader: asyncio.StreamReader, within_s: float) -> bool:
    """Whether the sender closes its end within that time."""
    with suppress(TimeoutError):
        return await asyncio.wait_for(reader.read(1), within_s) == b""
    return False


@asynccontextmanager
async def receiver(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    found = Receiver()
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            # Cancelled only by the end of the test.
            with suppress(asyncio.CancelledError):
                await found.serve(reader, writer)
        finally:
            connections.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
