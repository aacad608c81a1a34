"""What intake is told by its environment (prefix YIZHAN_INTAKE_ for what is its own)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from runtime.settings import Common, SettingsError, read


@dataclass(frozen=True, kw_only=True)
class Own:
    """Variables with the prefix YIZHAN_INTAKE_; the database URL carries the role's password."""

    database_url: str
    pool_size: int = 10
    header_wait_s: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Variables with the prefix YIZHAN_ that intake shares with the installation."""

    media_dir: Path
    signing_key_file: str = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of them. `header_wait_s`: how long an upload waits for its photo's header."""

    common: Common
    own: Own
    shared: Shared

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Self:
        """Raises SettingsError, which names the variable."""
        return cls(
            common=read(Common, env),
            own=read(Own, env, "YIZHAN_INTAKE_"),
            shared=read(Shared, env),
        )

    def key_file(self) -> Path:
        """The API signs tokens; the worker never sees the key."""
        if not self.shared.signing_key_file:
            raise SettingsError("YIZHAN_SIGNING_KEY_FILE is not set")
        return Path(self.shared.signing_key_file)
