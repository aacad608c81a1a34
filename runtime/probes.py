"""/livez, /readyz and /metrics as routes of an API."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from runtime.health import metrics_page


def probes() -> APIRouter:
    """The same three paths in an API, which is alive and ready as long as it answers."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    @router.get("/readyz")
    async def well() -> dict[str, list[str]]:
        return {"problems": []}

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(metrics_page(), media_type=CONTENT_TYPE_LATEST)

    return router
