"""Where dispatch's real parts are put together: the API and the worker."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack

from fastapi import APIRouter

from cities.live import LiveCity
from cities.marked import CityError
from runtime import erasure, linking, metrics
from runtime.db import Database
from runtime.deadletters import Limits
from runtime.http import ServiceApi
from runtime.settings import Common
from runtime.worker import WorkerPlan
from services.dispatch.adapters import erase_sql, link_sql
from services.dispatch.agents import declare
from services.dispatch.api import Context, internal_router, router
from services.dispatch.handlers import Reports
from services.dispatch.settings import Own, Settings
from services.dispatch.timers import timers

SERVICE = "dispatch"


def city_changed(fault: CityError | None) -> None:
    """What the city's files did, as a figure."""
    metrics.CITY_BROKEN.labels(SERVICE).set(fault is not None)


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
    return Context(settings, LiveCity(settings.common.city, city_changed))


def router_for_docs() -> APIRouter:
    """The routes as OpenAPI shows them; nothing is connected to."""
    return router(
        context_of(Settings(common=Common(kafka="", city="xian"), own=Own(database_url="")))
    )


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """Raises SettingsError, CityError."""
    settings = Settings.of(env)
    common = settings.common
    live = LiveCity(common.city, city_changed)
    following = AsyncExitStack()

    async def start(_: Database) -> None:
        await following.enter_async_context(live.following())

    return WorkerPlan(
        service=SERVICE,
        database_url=settings.own.database_url,
        kafka=common.kafka,
        effects=[Reports(live)],
        declare=declare,
        jobs=(erasure.runner(erase_sql.erase), linking.runner(link_sql.link)),
        timers=timers(live),
        start=start,
        close=following.aclose,
        health_host=common.host,
        health_port=common.health_port,
        slot=common.slot,
        limits=Limits(max_ratio=common.dlq_max_ratio, max_in_row=common.dlq_max_in_row),
    )
