"""Asks intake whether a photo exists, whose it is and whether it can be shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import httpx
import msgspec

from contracts.submissions import Media, MediaKind

TIMEOUT_S = 3.0
RETRY_AFTER_S = 3
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class MediaUnknown(ValueError):
    """No such medium, or another person's, or one that was refused."""


class MediaAway(Exception):
    """Intake does not answer."""


class MediaSource(Protocol):
    """Where media are verified."""

    async def verified(self, ids: Sequence[str], owner: str) -> tuple[Media, ...]:
        """The owner's media by id, in order. Raises MediaUnknown, MediaAway."""


class _Found(msgspec.Struct):
    id: str
    owner: str
    kind: MediaKind
    content_type: str
    state: str = "stored"


class IntakeMedia:
    """intake's internal interface, with dispatch's own service key."""

    def __init__(self, internal_url: str, service_key: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=internal_url or "http://127.0.0.1:9",
            timeout=TIMEOUT_S,
            trust_env=False,
            headers={"Authorization": f"Bearer {service_key}"},
        )

    async def verified(self, ids: Sequence[str], owner: str) -> tuple[Media, ...]:
        """One question a medium."""
        return tuple([await self._one(each, owner) for each in ids])

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.aclose()

    async def _one(self, media_id: str, owner: str) -> Media:
        if not _ID.fullmatch(media_id):
            raise MediaUnknown(media_id)
        try:
            answer = await self._client.get(f"/internal/v1/media/{media_id}")
            if answer.status_code in (404, 422):
                raise MediaUnknown(media_id)
            answer.raise_for_status()
            found = msgspec.json.decode(answer.content, type=_Found)
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise MediaAway(type(error).__name__) from error
        if found.owner != owner or found.state == "refused":
            raise MediaUnknown(media_id)
        return Media(id=found.id, kind=found.kind, content_type=found.content_type)
