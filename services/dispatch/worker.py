"""Where dispatch's real parts are put together: the worker."""

from __future__ import annotations

from collections.abc import Mapping

from cities.live import Live
from runtime import erasure, linking
from runtime.metrics import city_told
from runtime.worker import WorkerPlan
from services.dispatch.adapters import erase_sql, link_sql
from services.dispatch.adapters.city import read_known
from services.dispatch.agents import declare
from services.dispatch.handlers import Reports
from services.dispatch.settings import SERVICE, Settings
from services.dispatch.timers import timers


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """Raises SettingsError, CityError."""
    settings = Settings.of(env)
    common = settings.common
    live = Live(common.city, read_known, city_told(SERVICE))
    return WorkerPlan(
        service=SERVICE,
        database_url=settings.own.database_url,
        common=common,
        effects=[Reports(live)],
        declare=declare,
        jobs=(erasure.runner(erase_sql.erase), linking.runner(link_sql.link)),
        timers=timers(live),
        beside=(live.follow,),
    )
