"""Where the door's real parts are put together: the API is all there is."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from cities.live import Live
from runtime.http import ServiceApi
from runtime.metrics import city_told
from runtime.settings import Common
from services.open311.adapters.city import read_known
from services.open311.api import Context, router
from services.open311.settings import SERVICE, Own, Settings, Shared


def api(env: Mapping[str, str]) -> ServiceApi:
    """Raises SettingsError, CityError."""
    context = context_of(Settings.of(env))
    return ServiceApi(service=SERVICE, public=router(context), internal=None, lifespan=context.open)


def context_of(settings: Settings) -> Context:
    """The API's parts, not opened yet. Raises CityError."""
    return Context(settings, Live(settings.common.city, read_known, city_told(SERVICE)))


def router_for_docs() -> APIRouter:
    """The routes as OpenAPI shows them; nothing is connected to."""
    return router(
        context_of(Settings(common=Common(kafka="", city="xian"), own=Own(), shared=Shared()))
    )
