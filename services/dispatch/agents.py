"""How reports and news of observers come in from Kafka."""

from __future__ import annotations

from typing import Any

import faust

from runtime.consume import Guard


def declare(app: faust.App, guard: Guard) -> None:
    """Binds dispatch's two agents."""

    @app.agent(guard.topic(app, "reports"))
    async def reports(stream: Any) -> None:
        await guard.run("reports", stream)

    @app.agent(guard.topic(app, "observers"))
    async def observers(stream: Any) -> None:
        await guard.run("observers", stream)
