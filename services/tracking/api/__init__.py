"""Tracking's routes."""

from __future__ import annotations

from fastapi import APIRouter

from services.tracking.api import cases, exports, reports, stats
from services.tracking.api.context import Context

__all__ = ["Context", "router"]


def router(context: Context) -> APIRouter:
    """What clients call; there are no internal routes."""
    routes = APIRouter()
    for part in (reports, cases, exports, stats):
        routes.routes.extend(part.router(context).routes)
    return routes
