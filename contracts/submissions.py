"""What a reporter sent, as it was sent, keyed by report id."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from contracts.facts import Fact

MediaKind = Literal["photo", "voice"]
Crs = Literal["wgs84", "gcj02", "bd09"]
OPEN311_TEXT_CHARS = 4000
"""What a description may have by Open311's specification, whatever the city's own limit is."""


class Media(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A photo or a voice note by its id; `content_type` by content, never by name."""

    id: str
    kind: MediaKind
    content_type: str


class SentPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Coordinates as the client sent them, in degrees of `crs`; `accuracy_m` in metres."""

    lat: float
    lon: float
    crs: Crs = "wgs84"
    accuracy_m: float | None = None


class Open311(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a report that came through the Open311 door carries beside a report's own fields.

    `client` is the id of the key's owner; `private_media` are ids that are not shown in public;
    `media_urls` point to the client's own server.
    """

    client: str
    address: str | None = None
    address_id: str | None = None
    media_urls: tuple[str, ...] = ()
    private_media: tuple[str, ...] = ()


class ReportSubmitted(Fact, frozen=True, kw_only=True):
    """Accepted durably by intake. At least one of text and media is there."""

    report_id: str
    reporter_id: str
    code: str
    received_at: datetime
    text: str | None = None
    category: str | None = None
    place: SentPlace | None = None
    media: tuple[Media, ...] = ()
    attributes: dict[str, list[str]] = {}
    observed_at: datetime | None = None
    language: str = "zh-CN"
    open311: Open311 | None = None

    def key(self) -> str:
        return self.report_id


EVENTS = (ReportSubmitted,)
