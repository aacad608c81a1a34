"""What tracking is told by its environment (prefix YIZHAN_TRACKING_ for what is its own)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from runtime.settings import Common, read

SERVICE = "tracking"


@dataclass(frozen=True, kw_only=True)
class Own:
    """Variables with the prefix YIZHAN_TRACKING_; the database URL carries the role's password."""

    database_url: str
    service_key: str = ""
    pool_size: int = 10


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of them."""

    common: Common
    own: Own

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Self:
        """Raises SettingsError, which names the variable."""
        return cls(common=read(Common, env), own=read(Own, env, "YIZHAN_TRACKING_"))
