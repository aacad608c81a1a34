"""Where the door's real parts are put together: the API is all there is."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from cities.areas import load_areas
from cities.load import load_city
from cities.open311 import load_open311
from runtime.http import ServiceApi
from runtime.settings import Common, SettingsError
from runtime.worker import WorkerPlan
from services.open311.api import Context, router
from services.open311.settings import Own, Settings, Shared

SERVICE = "open311"


def api(env: Mapping[str, str]) -> ServiceApi:
    """Raises SettingsError, CityError."""
    context = context_of(Settings.of(env))
    return ServiceApi(service=SERVICE, public=router(context), internal=None, lifespan=context.open)


def context_of(settings: Settings) -> Context:
    """The API's parts, not opened yet. Raises CityError."""
    name = settings.common.city
    return Context(settings, city=load_city(name), areas=load_areas(name), rules=load_open311(name))


def router_for_docs() -> APIRouter:
    """The routes as OpenAPI shows them; nothing is connected to."""
    return router(
        context_of(Settings(common=Common(kafka="", city="xian"), own=Own(), shared=Shared()))
    )


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """There is none. Raises SettingsError."""
    raise SettingsError("open311 has no worker: python -m services.open311 api")
