"""Where rewards' real parts are put together: the API and the worker."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from cities.load import load_city
from runtime import erasure, linking
from runtime.db import Connection
from runtime.deadletters import Limits
from runtime.http import ServiceApi
from runtime.settings import Common
from runtime.worker import WorkerPlan
from services.rewards.adapters import erase_sql
from services.rewards.agents import declare
from services.rewards.api import Context, router
from services.rewards.handlers import Points
from services.rewards.settings import Own, Settings

SERVICE = "rewards"
PACE_S = 0.2
"""Nobody's queue waits for it: under load its events share transactions."""


def api(env: Mapping[str, str]) -> ServiceApi:
    """Raises SettingsError, CityError."""
    context = context_of(Settings.of(env))
    return ServiceApi(service=SERVICE, public=router(context), internal=None, lifespan=context.open)


def context_of(settings: Settings) -> Context:
    """The API's parts, not opened yet. Raises CityError."""
    return Context(settings, city=load_city(settings.common.city))


def router_for_docs() -> APIRouter:
    """The routes as OpenAPI shows them; nothing is connected to."""
    return router(
        context_of(Settings(common=Common(kafka="", city="xian"), own=Own(database_url="")))
    )


async def _nothing_to_move(_: Connection, device: str, person: str) -> None:
    """The ledger is append-only: the event itself moved what waits (handlers.linked)."""


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """Raises SettingsError, CityError."""
    settings = Settings.of(env)
    common = settings.common
    return WorkerPlan(
        service=SERVICE,
        database_url=settings.own.database_url,
        kafka=common.kafka,
        effects=[Points(load_city(common.city))],
        declare=declare,
        pace_s=PACE_S,
        jobs=(erasure.runner(erase_sql.erase), linking.runner(_nothing_to_move)),
        health_host=common.host,
        health_port=common.health_port,
        slot=common.slot,
        limits=Limits(max_ratio=common.dlq_max_ratio, max_in_row=common.dlq_max_in_row),
    )
