"""Where tracking's real parts are put together: the API and the worker."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from cities.areas import load_areas
from cities.load import load_city
from runtime import erasure, linking
from runtime.deadletters import Limits
from runtime.http import ServiceApi
from runtime.settings import Common
from runtime.worker import WorkerPlan
from services.tracking.adapters import erase_sql, link_sql
from services.tracking.agents import declare
from services.tracking.api import Context, internal_router, router
from services.tracking.handlers import ReadSide
from services.tracking.settings import Own, Settings

SERVICE = "tracking"
PACE_S = 0.25
"""Nobody's queue waits for it: under load its events share transactions."""


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
    city = settings.common.city
    return Context(settings, city=load_city(city), areas=load_areas(city))


def router_for_docs() -> APIRouter:
    """The routes as OpenAPI shows them; nothing is connected to."""
    return router(
        context_of(Settings(common=Common(kafka="", city="xian"), own=Own(database_url="")))
    )


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """Raises SettingsError, CityError."""
    settings = Settings.of(env)
    common = settings.common
    return WorkerPlan(
        service=SERVICE,
        database_url=settings.own.database_url,
        kafka=common.kafka,
        effects=[ReadSide(ZoneInfo(load_city(common.city).timezone))],
        declare=declare,
        pace_s=PACE_S,
        jobs=(erasure.runner(erase_sql.erase), linking.runner(link_sql.link)),
        health_port=common.health_port,
        slot=common.slot,
        limits=Limits(max_ratio=common.dlq_max_ratio, max_in_row=common.dlq_max_in_row),
    )
