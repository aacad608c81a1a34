"""Calls that come while a statement is under way share the next one (group commit)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 100
"""How many share a statement; the rest wait for the next."""


class Gathering(Generic[Item, Result]):
    """`together` does the work of many: a result or an error for each, in their order.

    An error that it raises is everybody's. One call alone waits for nobody.
    """

    def __init__(
        self, together: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]]
    ) -> None:
        self._together = together
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def ask(self, item: Item) -> Result:
        """The result for this item, or its error."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            now, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            found: Sequence[Result | Exception]
            try:
                found = await self._together([item for item, _ in now])
            except Exception as error:  # whatever it was: everybody is told
                found = [error] * len(now)
            for (_, future), result in zip(now, found, strict=True):
                if future.done():  # whoever asked has gone
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
