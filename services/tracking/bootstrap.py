"""Where tracking's real parts are put together: the API."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from cities.live import Live
from runtime.http import ServiceApi
from runtime.metrics import city_told
from runtime.settings import Common
from services.tracking.adapters.city import read_known
from services.tracking.api import Context, internal_router, router
from services.tracking.settings import SERVICE, Own, Settings


def api(env: Mapping[str, str]) -> ServiceApi:
    """Raises SettingsError, CityError."""
    context = context_of(Settings.of(env))
    return ServiceApi(
        service=SERVICE,
        public=router(context),
        internal=internal_router(context),
        lifespan=context.open,
    )


def context_of(settings: Settings) -> Context:
    """The API's parts, not opened yet. Raises CityError."""
    return Context(settings, Live(settings.common.city, read_known, city_told(SERVICE)))


def router_for_docs() -> APIRouter:
    """The routes as OpenAPI shows them; nothing is connected to."""
    return router(
        context_of(Settings(common=Common(kafka="", city="xian"), own=Own(database_url="")))
    )
