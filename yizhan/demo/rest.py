"""When everything has come to rest: nothing unsent, nothing unread, no job that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runtime.lag import LagReader
from yizhan.environment import present_services
from yizhan.trouble import Trouble

QUIET_S = 60.0
POLL_S = 0.1


async def come_to_rest(kafka: str, undone: Callable[[], int]) -> None:
    """Waits; `undone` counts rows that wait in SQL. Raises Trouble after a minute.

    A consumer's rows are committed before its offsets: so when lag is nothing before and after
    a look at the rows, and no record came meanwhile, nothing is on its way.
    """
    reader = LagReader(kafka)
    await reader.start()
    try:
        async with asyncio.timeout(QUIET_S):
            while True:
                if await _is_quiet(reader, undone):
                    return
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise Trouble(f"something was still on its way after {QUIET_S:.0f} s") from None
    finally:
        await reader.stop()


async def _is_quiet(reader: LagReader, undone: Callable[[], int]) -> bool:
    before = await reader.read(present_services())
    if any(each.behind for each in before) or undone():
        return False
    return await reader.read(present_services()) == before
