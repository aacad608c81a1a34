"""A receiver of webhooks that behaves as badly as its path says."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from yizhan.demo import receiver as receiver_of_webhooks
from yizhan.demo.receiver import Received, say

BAD = ("slow", "trickle", "reset", "500", "429", "301", "big", "silent")


@dataclass
class Receiver(receiver_of_webhooks.Receiver):
    """`/good…` answers 204; the rest behaves badly until `healed`."""

    open_now: dict[str, int] = field(default_factory=dict)
    most_open: dict[str, int] = field(default_factory=dict)
    healed: bool = False

    async def answer(
        self, got: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """As the path says; counts who is being answered."""
        path = got.path
        self.open_now[path] = self.open_now.get(path, 0) + 1
        self.most_open[path] = max(self.most_open.get(path, 0), self.open_now[path])
        try:
            await self._answer(path.strip("/").split("-")[0], reader, writer)
        finally:
            self.open_now[path] -= 1

    async def _answer(
        self, how: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if how == "good" or self.healed:
            say(writer, 204)
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
            say(writer, 500)
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
    async with found.listening(tls):
        yield found
