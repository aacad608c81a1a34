"""Python's collector of cycles need not walk again and again through what a process starts with."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

YOUNG = 20_000
"""New objects before the youngest are looked at. Python's 700 are there after a request or two."""


def settle() -> None:
    """Once a process, when it is put together: cities, routes and code are not looked at again.

    They are still freed when nothing refers to them; only cycles among them stay. A sixth more
    reports a second (bench, a).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)


@asynccontextmanager
async def settled() -> AsyncIterator[None]:
    """The last lifespan of an application that has its process for itself."""
    settle()
    yield
