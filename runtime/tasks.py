"""How tasks are ended."""

from __future__ import annotations

import asyncio

AGAIN_S = 0.5


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancels until each is done: a library may lose a cancellation to what happens with it."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
