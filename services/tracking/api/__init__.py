"""Tracking's routes."""

from __future__ import annotations

from fastapi import APIRouter

from services.tracking.api import cases, exports, internal, own_data, reports, stats
from services.tracking.api.context import Context

__all__ = ["Context", "internal_router", "router"]


def router(context: Context) -> APIRouter:
    """What clients call."""
    routes = APIRouter()
    for part in (reports, cases, exports, stats, own_data):
        routes.routes.extend(part.router(context).routes)
    return routes


def internal_router(context: Context) -> APIRouter:
    """What other services call."""
    return internal.router(context)
