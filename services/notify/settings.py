"""What notify is told by its environment (prefix YIZHAN_NOTIFY_ for what is its own)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from runtime.settings import Common, SettingsError, read
from services.notify.domain.targets import Policy

SERVICE = "notify"


@dataclass(frozen=True, kw_only=True)
class Own:
    """Variables with the prefix YIZHAN_NOTIFY_; the database URL carries the role's password.

    `webhook_ports`: comma-separated ports that https may use. `webhook_loopback`: also plain http
    to this machine, in local mode only. An attempt that failed is repeated after
    `webhook_first_delay_s`, then twice as long each time up to `webhook_most_delay_s`; with these
    defaults the last of 12 attempts comes after 2 h 50 min.
    """

    database_url: str
    pool_size: int = 10
    webhook_ports: str = "443"
    webhook_loopback: bool = False
    webhook_concurrency: int = 200
    webhook_per_target: int = 2
    webhook_attempts: int = 12
    webhook_first_delay_s: float = 5.0
    webhook_most_delay_s: float = 18_000.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of them."""

    common: Common
    own: Own

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Self:
        """Raises SettingsError, which names the variable."""
        settings = cls(common=read(Common, env), own=read(Own, env, "YIZHAN_NOTIFY_"))
        settings.policy()
        return settings

    def policy(self) -> Policy:
        """Where webhooks may go. Raises SettingsError."""
        if self.own.webhook_loopback and self.common.mode != "local":
            raise SettingsError("YIZHAN_NOTIFY_WEBHOOK_LOOPBACK is for YIZHAN_MODE=local only")
        try:
            ports = frozenset(int(each) for each in self.own.webhook_ports.split(","))
        except ValueError as error:
            raise SettingsError("YIZHAN_NOTIFY_WEBHOOK_PORTS has an unusable value") from error
        return Policy(ports=ports, loopback=self.own.webhook_loopback)
