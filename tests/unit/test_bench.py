"""The bench's own logic: a figure that is counted wrongly is worse than none."""

from __future__ import annotations

import asyncio
import time

import pytest

from bench.figures import figure, medians, percentile
from bench.load import arrivals, closed_loop, open_loop
from bench.results import Aim, Kept, Options, Result, page


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(each) for each in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_medians_are_taken_figure_by_figure() -> None:
    assert medians([{"a": 1.0, "b": 9.0}, {"a": 5.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]) == {
        "a": 3.0,
        "b": 4.0,
    }


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (56.71, "56.7"), (0.891, "0.89"), (0.0, "0.00")]
)
def test_figures_show_what_counts(value: float, text: str) -> None:
    assert figure(value) == text


def test_arrivals_keep_their_mean_rate_and_their_seed() -> None:
    found = arrivals(200.0, 50.0, seed=1)
    assert found == sorted(found)
    assert found[-1] < 50.0
    assert len(found) == pytest.approx(10_000, rel=0.05)
    assert found == arrivals(200.0, 50.0, seed=1)
    assert found != arrivals(200.0, 50.0, seed=2)


async def test_open_loop_holds_nobody_back_and_counts_from_the_due_instant() -> None:
    """The server stands still for the first 0.2 s: all ten wait for that, not only the first."""
    free = asyncio.Event()
    asyncio.get_running_loop().call_later(0.2, free.set)
    took: list[float] = []

    async def send(number: int, due: float) -> None:
        await free.wait()
        took.append(time.monotonic() - due)

    late = await open_loop([0.01 * each for each in range(10)], send)
    assert len(late) == len(took) == 10
    assert min(took) > 0.08
    assert max(took) > 0.19


async def test_open_loop_raises_what_a_request_raised() -> None:
    async def send(number: int, due: float) -> None:
        raise ConnectionError(str(number))

    with pytest.raises(ExceptionGroup):
        await open_loop([0.0], send)


async def test_closed_loop_has_so_many_clients_at_once() -> None:
    inside = most = 0

    async def ask(number: int) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.001)
        inside -= 1

    assert await closed_loop(4, 0.05, ask)
    assert most == 4


def test_the_page_says_which_aims_are_not_met() -> None:
    aims = [
        Aim(what="fast", aim="≥ 1", found="2", met=True),
        Aim(what="small", aim="≤ 1", found="2", met=False),
    ]
    result = Result(title="Both", how="So.", options=Options(runs=1), tables=[], aims=aims)
    text = page(Kept(machine="one core", results={"both": result}))
    assert "| fast | ≥ 1 | 2 | met |" in text
    assert "| small | ≤ 1 | 2 | **NOT MET** |" in text
    assert "python -m bench --only both --runs 1" in text
