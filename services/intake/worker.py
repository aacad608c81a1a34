"""Where intake's real parts are put together: the worker."""

from __future__ import annotations

from collections.abc import Mapping

from cities.live import Live
from runtime.metrics import city_told
from runtime.worker import WorkerPlan
from services.intake.adapters.city import read_known
from services.intake.adapters.media_store import FolderMediaStore
from services.intake.agents import declare
from services.intake.handlers import Submissions
from services.intake.jobs import Jobs
from services.intake.settings import SERVICE, Settings
from services.intake.timers import timers

PACE_S = 0.05
"""Under load most submissions are decided already: they may share a transaction."""


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """Raises SettingsError, CityError."""
    settings = Settings.of(env)
    common = settings.common
    live = Live(common.city, read_known, city_told(SERVICE))
    store = FolderMediaStore(settings.shared.media_dir)
    transcriber = settings.transcriber()
    jobs = Jobs(store, live, transcriber, speech_s=settings.own.speech_timeout_s)
    return WorkerPlan(
        service=SERVICE,
        database_url=settings.own.database_url,
        common=common,
        effects=[Submissions(live, transcribes=transcriber is not None)],
        declare=declare,
        pace_s=PACE_S,
        jobs=jobs.runners(),
        timers=timers(store),
        start=jobs.start,
        close=jobs.close,
        beside=(live.follow,),
    )
