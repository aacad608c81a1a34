"""Where rewards' real parts are put together: the worker."""

from __future__ import annotations

from collections.abc import Mapping

from cities.live import Live
from cities.load import load_city
from runtime import erasure, linking
from runtime.db import Connection
from runtime.metrics import city_told
from runtime.worker import WorkerPlan
from services.rewards.adapters import erase_sql
from services.rewards.agents import declare
from services.rewards.handlers import Points
from services.rewards.settings import SERVICE, Settings

PACE_S = 0.2
"""Nobody's queue waits for it: under load its events share transactions."""


async def _nothing_to_move(_: Connection, device: str, person: str) -> None:
    """The ledger is append-only: the event itself moved what waits (handlers.linked)."""


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """Raises SettingsError, CityError."""
    settings = Settings.of(env)
    common = settings.common
    live = Live(common.city, load_city, city_told(SERVICE))
    return WorkerPlan(
        service=SERVICE,
        database_url=settings.own.database_url,
        common=common,
        effects=[Points(live)],
        declare=declare,
        pace_s=PACE_S,
        gather_s=PACE_S,
        beside=(live.follow,),
        jobs=(erasure.runner(erase_sql.erase), linking.runner(_nothing_to_move)),
    )
