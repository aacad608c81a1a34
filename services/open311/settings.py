"""What the Open311 door is told by its environment (YIZHAN_OPEN311_ for what is its own)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from runtime.settings import Common, read

SERVICE = "open311"


@dataclass(frozen=True, kw_only=True)
class Own:
    """Variables with the prefix YIZHAN_OPEN311_. URLs without a value are YIZHAN_INTERNAL_URL."""

    service_key: str = ""
    tracking_url: str = ""
    dispatch_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Variables with the prefix YIZHAN_: the origin that clients use, when it is known."""

    public_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of them."""

    common: Common
    own: Own
    shared: Shared

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Self:
        """Raises SettingsError, which names the variable."""
        return cls(
            common=read(Common, env),
            own=read(Own, env, "YIZHAN_OPEN311_"),
            shared=read(Shared, env),
        )
