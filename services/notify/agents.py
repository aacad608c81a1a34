"""How everything that somebody may want to hear comes in from Kafka."""

from __future__ import annotations

from typing import Any

import faust

from runtime.consume import Guard


def declare(app: faust.App, guard: Guard) -> None:
    """Binds notify's four agents."""

    @app.agent(guard.topic(app, "observers"))
    async def observers(stream: Any) -> None:
        await guard.run("observers", stream)

    @app.agent(guard.topic(app, "reports"))
    async def reports(stream: Any) -> None:
        await guard.run("reports", stream)

    @app.agent(guard.topic(app, "cases"))
    async def cases(stream: Any) -> None:
        await guard.run("cases", stream)

    @app.agent(guard.topic(app, "credits"))
    async def credits(stream: Any) -> None:
        await guard.run("credits", stream)
