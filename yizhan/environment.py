"""What each process is told: addresses for all, secrets only where they are needed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from contracts.paths import DOORS
from contracts.topics import SERVICES
from yizhan.datafolder import ROOT, DataFolder
from yizhan.ports import LOOPBACK

DATABASE = "yizhan"
_OURS = ("_DATABASE_URL", "_SERVICE_KEY", "_SERVICE_KEYS", "_SIGNING_KEY_FILE")
_GIVEN = ("_WECHAT_SECRET", "_WECHAT_SECRET_FILE", "_SPEECH_KEY", "_SPEECH_KEY_FILE")
"""Secrets of a service that come from outside."""


def present_services() -> tuple[str, ...]:
    """The services that this checkout has, in flow order."""
    return tuple(s for s in SERVICES if (ROOT / "services" / s / "bootstrap.py").exists())


def present_doors() -> tuple[str, ...]:
    """The doors that this checkout has: an API each, no worker and no schema."""
    return tuple(d for d in DOORS if (ROOT / "services" / d / "bootstrap.py").exists())


def role_of(service: str) -> str:
    """A service's (or the monitor's) database role."""
    return f"yizhan_{service}"


def database_place(admin_url: str) -> str:
    """`host:port/yizhan` with the admin URL's options; no user and no password."""
    parts = urlsplit(admin_url)
    place = f"{parts.hostname or LOOPBACK}:{parts.port or 5432}/{DATABASE}"
    return place + (f"?{parts.query}" if parts.query else "")


def database_url(place: str, service: str, data: DataFolder) -> str:
    """The URL of a service's role at that place; the password is in it."""
    password = data.secrets.database_password(service)
    return urlunsplit(urlsplit(f"postgresql://{role_of(service)}:{password}@{place}"))


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Where everything of one `up` is."""

    data: DataFolder
    services: Sequence[str]
    kafka: str
    database: str
    port: int
    internal_port: int
    health_ports: Mapping[str, int]
    city: str
    outer: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def url(self) -> str:
        """The origin that clients use."""
        return f"http://{LOOPBACK}:{self.port}"

    def worker(self, service: str) -> dict[str, str]:
        """A worker knows its own database and key, nobody else's."""
        return self._common(service) | self._secrets_of(service)

    def edge(self) -> dict[str, str]:
        """The edge is every service's API in one process."""
        apis = (*self.services, *present_doors())
        keys = {each: self.data.secrets.service_key_hash(each) for each in apis}
        found = self._common("edge")
        for service in self.services:
            found |= self._secrets_of(service)
        for door in present_doors():
            found |= self._key_of(door)
        return found | {
            "YIZHAN_EDGE_PORT": str(self.port),
            "YIZHAN_INTERNAL_PORT": str(self.internal_port),
            "YIZHAN_SERVICE_KEYS": json.dumps(keys),
            "YIZHAN_SIGNING_KEY_FILE": str(self.data.secrets.signing_key_file),
        }

    def monitor(self) -> dict[str, str]:
        """The monitor may read outboxes, dead letters and the supervisor's state."""
        return self._common("monitor") | {
            "YIZHAN_MONITOR_DATABASE_URL": database_url(self.database, "monitor", self.data),
            "YIZHAN_STATE_FILE": str(self.data.state_file),
        }

    def _secrets_of(self, service: str) -> dict[str, str]:
        url = database_url(self.database, service, self.data)
        outer = {
            name: value
            for name, value in self.outer.items()
            if name.startswith(f"YIZHAN_{service.upper()}_") and name.endswith(_GIVEN)
        }
        return outer | {f"YIZHAN_{service.upper()}_DATABASE_URL": url} | self._key_of(service)

    def _key_of(self, service: str) -> dict[str, str]:
        return {f"YIZHAN_{service.upper()}_SERVICE_KEY": self.data.secrets.service_key(service)}

    def _common(self, process: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in self.outer.items()
            if not (name.startswith("YIZHAN_") and name.endswith(_OURS + _GIVEN))
        }
        return kept | {
            "YIZHAN_MODE": "local",
            "YIZHAN_KAFKA": self.kafka,
            "YIZHAN_CITY": self.city,
            "YIZHAN_MEDIA_DIR": str(self.data.media),
            "YIZHAN_INTERNAL_URL": f"http://{LOOPBACK}:{self.internal_port}",
            "YIZHAN_PUBLIC_URL": self.url,
            "YIZHAN_HEALTH_PORT": str(self.health_ports[process]),
            "YIZHAN_SLOT": "0",
            "PYTHONUNBUFFERED": "1",
        }
