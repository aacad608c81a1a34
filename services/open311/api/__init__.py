"""The door's routes."""

from __future__ import annotations

from fastapi import APIRouter

from services.open311.api import catalogue, pictures, posting, requests, unknown, updates
from services.open311.api.context import Context

__all__ = ["Context", "router"]


def router(context: Context) -> APIRouter:
    """What clients call."""
    routes = APIRouter()
    for part in (catalogue, requests, posting, updates, pictures, unknown):
        routes.routes.extend(part.router(context).routes)
    return routes
