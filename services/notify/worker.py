"""Where notify's real parts are put together: the worker."""

from __future__ import annotations

from collections.abc import Mapping

from cities.live import Live
from runtime.metrics import city_told
from runtime.worker import WorkerPlan
from services.notify.adapters.city import read_known
from services.notify.adapters.sending import Sender, SystemResolver
from services.notify.agents import declare
from services.notify.handlers import Notices
from services.notify.jobs import Jobs
from services.notify.settings import SERVICE, Settings
from services.notify.timers import timers

PACE_S = 0.2
"""Nobody's queue waits for it: under load its events share transactions."""


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """Raises SettingsError, CityError."""
    settings = Settings.of(env)
    common = settings.common
    live = Live(common.city, read_known, city_told(SERVICE))
    notices = Notices(live)
    jobs = Jobs(settings.own, Sender(settings.policy(), SystemResolver()), notices)
    return WorkerPlan(
        service=SERVICE,
        database_url=settings.own.database_url,
        common=common,
        effects=[notices],
        declare=declare,
        pace_s=PACE_S,
        gather_s=PACE_S,
        beside=(live.follow,),
        jobs=jobs.runners(),
        timers=timers(),
        close=jobs.close,
    )
