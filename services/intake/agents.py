"""How submissions come in from Kafka."""

from __future__ import annotations

from typing import Any

import faust

from runtime.consume import Guard


def declare(app: faust.App, guard: Guard) -> None:
    """Binds intake's one agent."""

    @app.agent(guard.topic(app, "submissions"))
    async def submissions(stream: Any) -> None:
        await guard.run("submissions", stream)
