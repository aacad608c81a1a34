"""The names by which Faust and aiokafka are asked to wait are not public: hold them."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.fetching import ENOUGH_BYTES, App


async def _ignore(_: Any) -> None:
    return None


@pytest.mark.parametrize(("gather_s", "asked"), [(0.25, (ENOUGH_BYTES, 250)), (0.0, (1, 1500))])
async def test_how_the_broker_is_asked(gather_s: float, asked: tuple[int, int]) -> None:
    app = App("test", broker="kafka://127.0.0.1:9", store="memory://")
    app.gather_s = gather_s
    consumer: Any = app.transport.create_consumer(
        _ignore, on_partitions_revoked=_ignore, on_partitions_assigned=_ignore
    )
    made = consumer._thread._create_worker_consumer(app.transport)
    try:
        assert (made._fetch_min_bytes, made._fetch_max_wait_ms) == asked
    finally:
        await made.stop()
