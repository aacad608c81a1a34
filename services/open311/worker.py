"""The door has no worker: it keeps nothing (docs/adr/0006)."""

from __future__ import annotations

from collections.abc import Mapping

from runtime.settings import SettingsError
from runtime.worker import WorkerPlan


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """There is none. Raises SettingsError."""
    raise SettingsError("open311 has no worker: python -m services.open311 api")
