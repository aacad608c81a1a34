"""One installation for the runs under load; the seed's spots, which no two runs share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest

from cities.areas import load_areas
from tests.faults.bed import Bed
from tests.faults.ledger import seed
from tests.faults.places import Spot, spots
from tests.faults.stack import Stack


@pytest.fixture(scope="session")
def all_spots() -> Iterator[Spot]:
    return spots(load_areas("xian"), random.Random(seed()))


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    made = Bed(tmp_path_factory.mktemp("bed") / "data")
    try:
        asyncio.run(made.start())
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("faults") / "data")
    running.start()
    yield running
    running.stop()
