"""How cases and news of observers come in from Kafka."""

from __future__ import annotations

from typing import Any

import faust

from runtime.consume import Guard


def declare(app: faust.App, guard: Guard) -> None:
    """Binds rewards' two agents."""

    @app.agent(guard.topic(app, "cases"))
    async def cases(stream: Any) -> None:
        await guard.run("cases", stream)

    @app.agent(guard.topic(app, "observers"))
    async def observers(stream: Any) -> None:
        await guard.run("observers", stream)
