"""Where tracking's real parts are put together: the worker."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from cities.load import load_city
from runtime import erasure, linking
from runtime.timers import Timer
from runtime.worker import WorkerPlan
from services.tracking.adapters import erase_sql, link_sql, stats_sql
from services.tracking.agents import declare
from services.tracking.handlers import ReadSide
from services.tracking.settings import SERVICE, Settings

PACE_S = 0.25
"""Nobody's queue waits for it: under load its events share transactions."""


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """Raises SettingsError, CityError."""
    settings = Settings.of(env)
    common = settings.common
    return WorkerPlan(
        service=SERVICE,
        database_url=settings.own.database_url,
        common=common,
        effects=[ReadSide(ZoneInfo(load_city(common.city).timezone))],
        declare=declare,
        pace_s=PACE_S,
        gather_s=PACE_S,
        timers=(Timer("changes", 60.0, stats_sql.forget),),
        jobs=(erasure.runner(erase_sql.erase), linking.runner(link_sql.link)),
    )
