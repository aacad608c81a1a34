"""Dispatch's routes."""

from __future__ import annotations

from fastapi import APIRouter

from services.dispatch.api import actions, cases, internal, queues
from services.dispatch.api.context import Context

__all__ = ["Context", "internal_router", "router"]


def router(context: Context) -> APIRouter:
    """What clients call."""
    routes = APIRouter()
    for part in (queues, cases, actions):
        routes.routes.extend(part.router(context).routes)
    return routes


def internal_router(context: Context) -> APIRouter:
    """What other services call."""
    return internal.router(context)
