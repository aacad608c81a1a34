"""The services behind the door: intake takes, tracking tells, dispatch hears remarks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from services.open311.adapters.internal import Away, Internal, Refused
from services.open311.domain.known import Known, Update
from services.open311.domain.sending import Posted

NOT_FOUND = 404


class Client(msgspec.Struct):
    """Whose key it is, and the reporter who stands for the person that was named."""

    client: str
    name: str
    reporter_id: str


class _Medium(msgspec.Struct):
    id: str


class _Report(msgspec.Struct):
    id: str
    reporter_id: str = ""
    open311: dict[str, Any] | None = None


class _Reports(msgspec.Struct):
    reports: list[_Report]


class _Found(msgspec.Struct):
    requests: list[Known]


class _Updates(msgspec.Struct):
    updates: list[Update]


class _Case(msgspec.Struct):
    id: str


class Behind:
    """All three; raises Away, and Refused where it says so."""

    def __init__(self, intake: Internal, tracking: Internal, dispatch: Internal) -> None:
        self._intake, self._tracking, self._dispatch = intake, tracking, dispatch

    async def client(self, key: str, person: str, language: str) -> Client | None:
        """None: nobody's key."""
        body = {"key": key, "person": person, "language": language}
        try:
            return await self._intake.post("/internal/v1/clients", body, Client)
        except Refused as error:
            if error.status in (NOT_FOUND, 422):
                return None
            raise

    async def photo(self, client: Client, data: AsyncIterator[bytes]) -> str:
        """The id of the medium. Raises Refused."""
        query = {"reporter": client.reporter_id}
        path = "/internal/v1/clients/media"
        return (await self._intake.post_bytes(path, query, data, _Medium)).id

    async def report(
        self,
        client: Client,
        posted: Posted,
        media: Sequence[str],
        private: Sequence[str],
        repeat: tuple[str, int],
        language: str,
    ) -> str:
        """The id of the report, which is durable. Raises Refused."""
        place = None
        if posted.place is not None:
            place = {"lat": posted.place[0], "lon": posted.place[1], "crs": "wgs84"}
        body = {
            "reporter_id": client.reporter_id,
            "language": language,
            "report": {
                "text": posted.text,
                "category": posted.category.code,
                "place": place,
                "media": list(media),
                "attributes": posted.attributes,
            },
            "open311": {
                "client": client.client,
                "address": posted.address,
                "address_id": posted.address_id,
                "media_urls": posted.media_urls,
                "private_media": list(private),
            },
            "idempotency_key": repeat[0],
            "repeat_within_s": repeat[1],
        }
        answer = await self._intake.post("/internal/v1/clients/reports", body, _Report, language)
        return answer.id

    async def reporter_of(self, report_id: str, client: str) -> str | None:
        """The reporter of a request that came by this client's key; None for another's."""
        body = {"ids": [report_id]}
        found = await self._intake.post("/internal/v1/known-reports", body, _Reports)
        mine = [e for e in found.reports if e.open311 and e.open311.get("client") == client]
        return mine[0].reporter_id if mine else None

    async def requests(self, sought: dict[str, Any]) -> list[Known]:
        """Newest first."""
        return (await self._tracking.post("/internal/v1/requests", sought, _Found)).requests

    async def one(self, report_id: str, *, lines: bool = False) -> Known | None:
        """The report, from the moment when it was accepted."""
        found = await self.requests({"ids": [report_id], "lines": lines})
        return found[0] if found else None

    async def updates(
        self,
        since: datetime,
        until: datetime,
        types: Sequence[str],
        page: dict[str, int],
        *,
        only_open311: bool,
    ) -> list[Update]:
        """Oldest first."""
        body: dict[str, Any] = {"since": since, "until": until, "types": list(types)} | page
        body["only_open311"] = only_open311
        return (await self._tracking.post("/internal/v1/updates", body, _Updates)).updates

    async def remark(self, case_id: str, reporter_id: str, note: str, key: str) -> None:
        """The reporter's words beside the case. Raises Refused."""
        body = {"reporter_id": reporter_id, "note": note, "idempotency_key": key}
        await self._dispatch.post(f"/internal/v1/cases/{case_id}/comment", body, _Case)

    async def picture(self, media_id: str) -> tuple[str, bytes] | None:
        """Content type and bytes of the copy without metadata; None when there is none yet."""
        try:
            return await self._intake.get_bytes(f"/internal/v1/media/{media_id}/copy")
        except Refused as error:
            if error.status == NOT_FOUND:
                return None
            raise Away(str(error.status)) from error

    async def close(self) -> None:
        """Ends all connections."""
        for each in (self._intake, self._tracking, self._dispatch):
            await each.close()
