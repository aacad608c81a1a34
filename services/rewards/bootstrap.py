"""Where rewards' real parts are put together: the API."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from cities.live import Live
from cities.load import load_city
from runtime.http import ServiceApi
from runtime.metrics import city_told
from runtime.settings import Common
from services.rewards.api import Context, router
from services.rewards.settings import SERVICE, Own, Settings


def api(env: Mapping[str, str]) -> ServiceApi:
    """Raises SettingsError, CityError."""
    context = context_of(Settings.of(env))
    return ServiceApi(service=SERVICE, public=router(context), internal=None, lifespan=context.open)


def context_of(settings: Settings) -> Context:
    """The API's parts, not opened yet. Raises CityError."""
    return Context(settings, Live(settings.common.city, load_city, city_told(SERVICE)))


def router_for_docs() -> APIRouter:
    """The routes as OpenAPI shows them; nothing is connected to."""
    return router(
        context_of(Settings(common=Common(kafka="", city="xian"), own=Own(database_url="")))
    )
