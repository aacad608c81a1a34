"""Somebody else's endpoint on the loopback: says what a test wants, remembers the questions."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Issuer:
    """`says` is the next answers' body (bytes as they are, else JSON)."""

    def __init__(self) -> None:
        self.says: Any = {}
        self.status = "200 OK"
        self.headers = ""
        self.silent = False
        self.asked: list[dict[str, str]] = []
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question a connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            size = re.search(r"content-length: (\d+)", head.lower())
            self.heads.append(head)
            self.bodies.append(await reader.readexactly(int(size[1]) if size else 0))
            query = parse_qs(urlsplit(head.split(" ")[1]).query)
            self.asked.append({name: values[0] for name, values in query.items()})
            while self.silent:
                await asyncio.sleep(0.05)
            body = self.says if isinstance(self.says, bytes) else json.dumps(self.says).encode()
            writer.write(
                f"HTTP/1.1 {self.status}\r\nContent-Type: text/plain\r\n{self.headers}"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            )
            writer.write(body)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def issuer(path: str) -> AsyncIterator[Issuer]:
    """Listening at `url`, which ends in that path."""
    found = Issuer()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    found.url = f"http://{host}:{port}{path}"
    try:
        yield found
    finally:
        found.silent = False
        server.close()
