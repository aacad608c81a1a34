"""What the doors of other systems ask: whose key it is, their media, their reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from contracts.submissions import Open311
from runtime.auth import allow
from runtime.errors import not_found
from runtime.http import Body
from runtime.requests import MOST_BYTES
from runtime.tokens import Caller
from services.intake.adapters import client_sql, report_sql
from services.intake.api.accepting import accept
from services.intake.api.bodies import MEDIA_ID, Key, MediaId, ReportBody
from services.intake.api.context import Context
from services.intake.api.floods import count_for
from services.intake.api.media import Size, described, served
from services.intake.api.problems import PatientRoute, documents
from services.intake.api.reading import patient
from services.intake.api.uploads import take
from services.intake.api.views import described as report_described

MOST_IDS = 1000
Service = Annotated[Caller, allow("service")]
Text = Annotated[str, Field(max_length=2000)]


class KeyShown(Body):
    """A client's key, and whom the client reports for (a text of its own; may be empty)."""

    key: Annotated[str, Field(min_length=1, max_length=200)]
    person: Annotated[str, Field(max_length=400)] = ""
    language: Literal["zh-CN", "en"] = "zh-CN"


class Origin(Body):
    """As contracts.submissions.Open311."""

    client: UUID
    address: Text | None = None
    address_id: Text | None = None
    media_urls: Annotated[list[Text], Field(max_length=20)] = []
    private_media: Annotated[list[MediaId], Field(max_length=20)] = []

    def sent(self) -> Open311:
        """As the event carries it."""
        return Open311(
            client=str(self.client),
            address=self.address,
            address_id=self.address_id,
            media_urls=tuple(self.media_urls),
            private_media=tuple(self.private_media),
        )


class ClientReport(Body):
    """A report for a reporter of a client's. The key stands for it `repeat_within_s` seconds."""

    reporter_id: UUID
    language: Literal["zh-CN", "en"] = "zh-CN"
    report: ReportBody
    open311: Origin
    idempotency_key: Key
    repeat_within_s: Annotated[int, Field(ge=1, le=30 * 86_400)] = 30 * 86_400


class Wanted(Body):
    """Ids of reports."""

    ids: Annotated[list[UUID], Field(max_length=MOST_IDS)]


def router(context: Context) -> APIRouter:
    """/internal/v1/clients, /clients/media, /clients/reports, /known-reports, media copies."""
    routes = APIRouter(prefix="/internal/v1", route_class=PatientRoute, tags=["internal"])

    @routes.post("/clients", responses=documents(401, 403, 404, 422, 503))
    async def client(body: KeyShown, _: Service) -> dict[str, Any]:
        """Whose key it is, and the reporter who stands for the person. 404: nobody's."""
        found = await client_sql.client_of(context.db, body.key)
        if found is None:
            raise not_found()
        reporter_id = await client_sql.reporter_of(
            context.db, found, body.key, body.person, body.language
        )
        return {"client": found.id, "name": found.name, "reporter_id": reporter_id}

    @routes.post(
        "/clients/media",
        responses=documents(401, 403, 408, 413, 415, 422, 429, 503),
        openapi_extra={MOST_BYTES: context.city.limits.photo_bytes},
    )
    async def photo(request: Request, reporter: Annotated[UUID, Query()], _: Service) -> Any:
        """A photo as the bare body; the same bytes of the same reporter keep their id."""
        context.need_room()
        await count_for(context, "medium", {"client": str(reporter)})
        return described(await take(context, str(reporter), patient(request).stream(), "photo"))

    @routes.post("/clients/reports", responses=documents(401, 403, 413, 422, 429, 503))
    async def report(body: ClientReport, _: Service) -> Response:
        """Durable when it answers 202; the answer is that of POST /v1/reports."""
        reporter_id, key = str(body.reporter_id), body.idempotency_key
        await count_for(context, "report", {"client": reporter_id})
        within = timedelta(seconds=body.repeat_within_s)
        await report_sql.forget_key(context.db, reporter_id, key, within)
        answer = await accept(
            context, reporter_id, body.language, body.report, (), key, body.open311.sent()
        )
        return answer.response()

    @routes.post("/known-reports", responses=documents(401, 403, 422, 503))
    async def known(body: Wanted, _: Service) -> dict[str, Any]:
        """Those of the reports that there are."""
        found = await report_sql.known(context.db, body.ids)
        return {"reports": [report_described(each) for each in found]}

    @routes.get(
        "/media/{media_id}/copy",
        response_class=Response,
        responses=documents(401, 403, 404, 422, 503),
    )
    async def copy(
        media_id: Annotated[str, Path(pattern=MEDIA_ID)], caller: Service, size: Size = "large"
    ) -> StreamingResponse:
        """A copy without metadata; who may see it is the asking service's to know."""
        return await served(context, media_id, caller, size)

    return routes
