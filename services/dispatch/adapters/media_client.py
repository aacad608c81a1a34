"""Asks intake about a photo: whether it exists and whose it is; a link to its original."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import httpx
import msgspec

from contracts.places import Place
from contracts.submissions import Media, MediaKind
from services.dispatch.domain.parties import Party
from services.dispatch.domain.proof import Shot

TIMEOUT_S = 3.0
RETRY_AFTER_S = 3
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class MediaUnknown(ValueError):
    """No such medium, or another person's, or one that was refused."""


class MediaAway(Exception):
    """Intake does not answer."""


class MediaSource(Protocol):
    """Where media are verified."""

    async def verified(self, ids: Sequence[str], owner: str) -> tuple[Shot, ...]:
        """The owner's media by id, in order. Raises MediaUnknown, MediaAway."""

    async def link(self, media_id: str, case_id: str, party: Party) -> bytes:
        """JSON of a link to the original (`url`, `expires_at`). Raises MediaUnknown, MediaAway."""


class _Found(msgspec.Struct):
    id: str
    owner: str
    kind: MediaKind
    content_type: str
    state: str = "stored"
    taken_at: datetime | None = None
    place: Place | None = None


class IntakeMedia:
    """intake's internal interface, with dispatch's own service key."""

    def __init__(self, internal_url: str, service_key: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=internal_url or "http://127.0.0.1:9",
            timeout=TIMEOUT_S,
            trust_env=False,
            headers={"Authorization": f"Bearer {service_key}"},
        )

    async def verified(self, ids: Sequence[str], owner: str) -> tuple[Shot, ...]:
        """One question a medium."""
        return tuple([await self._one(each, owner) for each in ids])

    async def link(self, media_id: str, case_id: str, party: Party) -> bytes:
        """Each opening by it is logged there, under the party's id."""
        body = {"given_to": party.id, "role": party.role, "case_id": case_id}
        answer = await self._asked("POST", media_id, "/links", json=body)
        return answer.content

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.aclose()

    async def _one(self, media_id: str, owner: str) -> Shot:
        answer = await self._asked("GET", media_id)
        try:
            found = msgspec.json.decode(answer.content, type=_Found)
        except msgspec.MsgspecError as error:
            raise MediaAway(type(error).__name__) from error
        if found.owner != owner or found.state == "refused":
            raise MediaUnknown(media_id)
        media = Media(id=found.id, kind=found.kind, content_type=found.content_type)
        return Shot(media, found.taken_at, found.place)

    async def _asked(
        self, method: str, media_id: str, about: str = "", **more: Any
    ) -> httpx.Response:
        if not _ID.fullmatch(media_id):
            raise MediaUnknown(media_id)
        try:
            url = f"/internal/v1/media/{media_id}{about}"
            answer = await self._client.request(method, url, **more)
            if answer.status_code in (404, 422):
                raise MediaUnknown(media_id)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise MediaAway(type(error).__name__) from error
        return answer
