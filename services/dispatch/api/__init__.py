"""Dispatch's routes."""

from __future__ import annotations

from fastapi import APIRouter

from services.dispatch.api import actions, cases, queues
from services.dispatch.api.context import Context

__all__ = ["Context", "router"]


def router(context: Context) -> APIRouter:
    """What clients call; there are no internal routes."""
    routes = APIRouter()
    for part in (queues, cases, actions):
        routes.routes.extend(part.router(context).routes)
    return routes
