"""Calls that come while work is under way share the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from runtime.gathering import MOST, Gathering


class Work:
    """Doubles even numbers, has an error for odd ones; each turn waits for `go`."""

    def __init__(self) -> None:
        self.turns: list[list[int]] = []
        self.go = asyncio.Event()

    async def together(self, items: Sequence[int]) -> list[int | Exception]:
        self.turns.append(list(items))
        await self.go.wait()
        if 13 in items:
            raise RuntimeError("nobody gets anything")
        return [ValueError(str(item)) if item % 2 else 2 * item for item in items]


async def asked(gathering: Gathering[int, int], *items: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(gathering.ask(item)) for item in items]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_one_waits_for_nobody_and_the_others_for_one_turn() -> None:
    work = Work()
    gathering = Gathering(work.together)
    tasks = await asked(gathering, 2)
    tasks += await asked(gathering, 4, 5, 6)
    assert work.turns == [[2]]
    work.go.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert work.turns == [[2], [4, 5, 6]]
    assert [found[0], found[1], found[3]] == [4, 8, 12]
    assert isinstance(found[2], ValueError) and str(found[2]) == "5"


async def test_an_error_of_all_is_everybodys_and_the_next_turn_comes() -> None:
    work = Work()
    work.go.set()
    gathering = Gathering(work.together)
    found = await asyncio.gather(*await asked(gathering, 13, 2), return_exceptions=True)
    assert [str(error) for error in found] == ["nobody gets anything"] * 2
    assert await gathering.ask(2) == 4


async def test_who_goes_away_takes_nobody_along() -> None:
    work = Work()
    gathering = Gathering(work.together)
    first, second = await asked(gathering, 2, 4)
    first.cancel()
    work.go.set()
    assert await second == 8
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_turn_is_bounded() -> None:
    work = Work()
    work.go.set()
    gathering = Gathering(work.together)
    many = range(0, 2 * (MOST + 1), 2)
    assert await asyncio.gather(*await asked(gathering, *many)) == [2 * item for item in many]
    assert [len(turn) for turn in work.turns] == [MOST, 1]
