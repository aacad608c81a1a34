"""Rewards' routes."""

from __future__ import annotations

from fastapi import APIRouter

from services.rewards.api import held, points
from services.rewards.api.context import Context

__all__ = ["Context", "router"]


def router(context: Context) -> APIRouter:
    """What clients call; there are no internal routes."""
    routes = APIRouter()
    for part in (points, held):
        routes.routes.extend(part.router(context).routes)
    return routes
