"""Where notify's real parts are put together: the API and the worker."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from cities.load import load_city
from cities.notices import load_notices
from runtime.deadletters import Limits
from runtime.http import ServiceApi
from runtime.settings import Common
from runtime.worker import WorkerPlan
from services.notify.adapters.sending import Sender, SystemResolver
from services.notify.agents import declare
from services.notify.api import Context, router
from services.notify.handlers import Notices
from services.notify.jobs import Jobs
from services.notify.settings import Own, Settings
from services.notify.timers import timers

SERVICE = "notify"
PACE_S = 0.2
"""Nobody's queue waits for it: under load its events share transactions."""


def api(env: Mapping[str, str]) -> ServiceApi:
    """Raises SettingsError, CityError."""
    context = context_of(Settings.of(env))
    return ServiceApi(service=SERVICE, public=router(context), internal=None, lifespan=context.open)


def context_of(settings: Settings) -> Context:
    """The API's parts, not opened yet. Raises CityError."""
    city = settings.common.city
    return Context(
        settings, city=load_city(city), table=load_notices(city), resolver=SystemResolver()
    )


def router_for_docs() -> APIRouter:
    """The routes as OpenAPI shows them; nothing is connected to."""
    return router(
        context_of(Settings(common=Common(kafka="", city="xian"), own=Own(database_url="")))
    )


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """Raises SettingsError, CityError."""
    settings = Settings.of(env)
    common = settings.common
    notices = Notices(load_city(common.city), load_notices(common.city))
    jobs = Jobs(settings.own, Sender(settings.policy(), SystemResolver()), notices)
    return WorkerPlan(
        service=SERVICE,
        database_url=settings.own.database_url,
        kafka=common.kafka,
        effects=[notices],
        declare=declare,
        pace_s=PACE_S,
        jobs=jobs.runners(),
        timers=timers(),
        close=jobs.close,
        health_host=common.host,
        health_port=common.health_port,
        slot=common.slot,
        limits=Limits(max_ratio=common.dlq_max_ratio, max_in_row=common.dlq_max_in_row),
    )
