"""FastAPI, one commit, one publish, 202: nothing of what makes a product of it.

`python -m bench.floors.accept PORT`. No token, no idempotency key, no outbox: what is lost between
commit and publish is lost. As in the product, the answer does not wait for the broker's.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import uvloop
from fastapi import FastAPI
from pydantic import BaseModel

from bench.floors.ground import Place, serve

_INSERT = "insert into submissions (id, body) values ($1, $2)"


class SentPlace(BaseModel):
    """Degrees."""

    lat: float
    lon: float


class Report(BaseModel):
    """What the product's reports consist of."""

    text: str | None = None
    category: str | None = None
    place: SentPlace | None = None


def app_of(place: Place) -> FastAPI:
    """The application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool, app.state.producer = await place.pool(), await place.producer()
        yield
        await app.state.producer.stop()
        await app.state.pool.close()

    app = FastAPI(openapi_url=None, lifespan=lifespan)

    @app.post("/v1/reports", status_code=202)
    async def report(body: Report) -> dict[str, str]:
        """Commit, publish, answer."""
        report_id = uuid4()
        value = body.model_dump_json().encode()
        await app.state.pool.execute(_INSERT, report_id, value)
        sent = await app.state.producer.send("floor-submissions", value, str(report_id).encode())
        sent.add_done_callback(lambda done: done.result())
        return {"id": str(report_id)}

    return app


if __name__ == "__main__":
    uvloop.run(serve(app_of(Place.of_environment()), int(sys.argv[1])))
