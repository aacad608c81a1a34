"""Intake's routes, public and internal."""

from __future__ import annotations

from fastapi import APIRouter

from services.intake.api import (
    catalogue,
    erasing,
    internal,
    me,
    media,
    observers,
    originals,
    registration,
    registrations,
    reports,
    sessions,
)
from services.intake.api.context import Context

__all__ = ["Context", "internal_router", "public_router"]


def public_router(context: Context) -> APIRouter:
    """What clients call."""
    routes = APIRouter()
    for part in (
        sessions,
        me,
        erasing,
        registration,
        registrations,
        observers,
        catalogue,
        media,
        originals,
        reports,
    ):
        routes.routes.extend(part.router(context).routes)
    return routes


def internal_router(context: Context) -> APIRouter:
    """What other services call."""
    return internal.router(context)
