"""Asks intake for reports whose events have not arrived here yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec

from contracts.submissions import Media, Open311, SentPlace
from services.tracking.domain.story import Accepted, Story

TIMEOUT_S = 3.0
PAGE = 200
MOST_PAGES = 10

T = TypeVar("T")


class IntakeAway(Exception):
    """Intake does not answer."""


class Newest(Protocol):
    """Where reports are known before their events arrive."""

    async def one(self, report_id: UUID, reporter_id: str) -> Story | None:
        """The report when it is this reporter's. Raises IntakeAway."""

    async def after(self, reporter_id: str, instant: datetime | None) -> list[Story]:
        """A reporter's reports received behind the instant, oldest first. Raises IntakeAway."""

    async def known(self, ids: Sequence[str]) -> list[Story]:
        """Those of at most 1000 reports that there are, whosever. Raises IntakeAway."""

    async def person(self, reporter_id: str) -> dict[str, Any]:
        """Profile, devices, sessions, registrations, for the person's own copy. As above."""

    async def media_of(self, reporter_id: str, after: str) -> list[dict[str, Any]]:
        """Some of the person's media, by ids behind that one; none at the end. As above."""


class _Report(msgspec.Struct):
    id: str
    code: str
    received_at: datetime
    text: str | None = None
    category: str | None = None
    sent_place: SentPlace | None = None
    media: tuple[Media, ...] = ()
    attributes: dict[str, list[str]] = {}
    observed_at: datetime | None = None
    language: str = "zh-CN"
    open311: Open311 | None = None


class _Media(msgspec.Struct):
    media: list[dict[str, Any]]


class _Reports(msgspec.Struct):
    reports: list[_Report]


class IntakeReports:
    """intake's internal interface, with tracking's own service key."""

    def __init__(self, internal_url: str, service_key: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=internal_url or "http://127.0.0.1:9",
            timeout=TIMEOUT_S,
            trust_env=False,
            headers={"Authorization": f"Bearer {service_key}"},
        )

    async def one(self, report_id: UUID, reporter_id: str) -> Story | None:
        """One question."""
        answer = await self._ask(f"/internal/v1/reports/{report_id}", {"reporter": reporter_id})
        return None if answer is None else _story(_decoded(answer, _Report))

    async def after(self, reporter_id: str, instant: datetime | None) -> list[Story]:
        """As many questions as there are pages, up to MOST_PAGES."""
        query = {"reporter": reporter_id, "limit": str(PAGE)}
        if instant is not None:
            query["after"] = instant.isoformat()
        found: list[Story] = []
        for _ in range(MOST_PAGES):
            answer = await self._ask("/internal/v1/reports", query)
            if answer is None:
                raise IntakeAway("404 for a list")
            page = _decoded(answer, _Reports).reports
            found += [_story(each) for each in page]
            if len(page) < PAGE:
                break
            query["after"] = page[-1].id
        return found

    async def known(self, ids: Sequence[str]) -> list[Story]:
        """One question."""
        body = msgspec.json.encode({"ids": ids})
        headers = {"Content-Type": "application/json"}
        answer = await self._send("POST", "/internal/v1/known-reports", None, body, headers)
        if answer is None:
            raise IntakeAway("404 for a list")
        return [_story(each) for each in _decoded(answer, _Reports).reports]

    async def person(self, reporter_id: str) -> dict[str, Any]:
        """One question."""
        answer = await self._ask(f"/internal/v1/people/{quote(reporter_id, safe='')}", {})
        return _decoded(answer or b"", dict[str, Any])

    async def media_of(self, reporter_id: str, after: str) -> list[dict[str, Any]]:
        """One question."""
        path = f"/internal/v1/people/{quote(reporter_id, safe='')}/media"
        answer = await self._ask(path, {"after": after})
        return _decoded(answer or b"", _Media).media

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.aclose()

    async def _ask(self, path: str, query: dict[str, str]) -> bytes | None:
        return await self._send("GET", path, query)

    async def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes | None:
        """The answer's body; None for 404."""
        try:
            answer = await self._client.request(
                method, path, params=query, content=body, headers=headers
            )
            if answer.status_code == 404:
                return None
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise IntakeAway(type(error).__name__) from error
        return answer.content


def _decoded(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.MsgspecError as error:
        raise IntakeAway("not the shape that we know") from error


def _story(report: _Report) -> Story:
    """What was sent. What came of it is told by events alone, which are on their way.

    Were it told from here, the submission's event would arrive first and take it back.
    """
    return Story(
        id=report.id,
        code=report.code,
        accepted=Accepted(
            received_at=report.received_at,
            text=report.text,
            category=report.category,
            place=report.sent_place,
            media=report.media,
            attributes=report.attributes,
            observed_at=report.observed_at,
            language=report.language,
            open311=report.open311,
        ),
    )
