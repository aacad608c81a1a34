"""Notify's routes."""

from __future__ import annotations

from fastapi import APIRouter

from services.notify.api import deliveries, inbox, preferences, subscriptions, webhooks
from services.notify.api.context import Context

__all__ = ["Context", "router"]


def router(context: Context) -> APIRouter:
    """What clients call; there are no internal routes."""
    routes = APIRouter()
    for part in (inbox, preferences, subscriptions, webhooks, deliveries):
        routes.routes.extend(part.router(context).routes)
    return routes
