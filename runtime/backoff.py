"""Waiting longer after each failure, with jitter, so that many do not come back at once."""

from __future__ import annotations

import asyncio
import random


class Backoff:
    """Full jitter between half of the delay and all of it; doubles from `first_s` to `most_s`."""

    def __init__(self, *, first_s: float, most_s: float) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._next_s = first_s

    def reset(self) -> None:
        """The last try went well."""
        self._next_s = self._first_s

    def delay_s(self) -> float:
        """The next delay in seconds."""
        delay, self._next_s = self._next_s, min(self._next_s * 2, self._most_s)
        return delay * random.uniform(0.5, 1.0)

    async def wait(self) -> None:
        """Sleeps for the next delay; cancellation ends it at once."""
        await asyncio.sleep(self.delay_s())
