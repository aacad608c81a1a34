"""Another party's answer, of which only so much is read (OWASP API10: nobody else is trusted)."""

from __future__ import annotations

import httpx

MOST_BYTES = 64 * 1024
BLOCK_BYTES = 8192


class TooMuch(Exception):
    """The answer is longer than we read."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST_BYTES} bytes")


async def body_of(answer: httpx.Response) -> bytes:
    """A streamed answer's body, at most 64 kB. Raises TooMuch."""
    body = bytearray()
    async for block in answer.aiter_bytes(BLOCK_BYTES):
        body += block
        if len(body) > MOST_BYTES:
            raise TooMuch
    return bytes(body)
