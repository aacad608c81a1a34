"""What other services ask intake, by keys of their own; never through the edge."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, Field

from runtime.auth import allow
from runtime.errors import not_found
from runtime.http import Body
from runtime.tokens import Caller
from services.intake.adapters import media_sql, original_sql, report_sql, session_sql
from services.intake.api import clients, people
from services.intake.api.bodies import MEDIA_ID
from services.intake.api.context import Context
from services.intake.api.problems import PatientRoute, documents
from services.intake.api.views import described

MOST_REPORTS = 200
ReporterId = Annotated[str, Query(max_length=64, pattern=r"^[ -~]+$")]
Service = Annotated[Caller, allow("service")]


class LinkBody(Body):
    """Who may open an original, because of which case."""

    given_to: Annotated[str, Field(min_length=1, max_length=64)]
    role: Literal["handler", "department", "operator"]
    case_id: UUID


def router(context: Context) -> APIRouter:
    """/internal/v1/media/{id}, /media/{id}/links, /reports, /reports/{id}, /revocations."""
    routes = APIRouter(prefix="/internal/v1", route_class=PatientRoute, tags=["internal"])

    @routes.get("/media/{media_id}", responses=documents(401, 403, 404, 422, 503))
    async def media(media_id: Annotated[str, Path(pattern=MEDIA_ID)], _: Service) -> dict[str, Any]:
        """What dispatch checks of an after-photo: owner, kind, state, time and place taken."""
        row = await media_sql.one(context.db, media_id)
        if row is None:
            raise not_found()
        return dict(row)

    @routes.post("/media/{media_id}/links", responses=documents(401, 403, 404, 422, 503))
    async def link(
        media_id: Annotated[str, Path(pattern=MEDIA_ID)], body: LinkBody, _: Service
    ) -> dict[str, Any]:
        """The path by which dispatch's caller may open the original, and until when."""
        secret = session_sql.new_secret()
        reader = original_sql.Reader(body.given_to, body.role, body.case_id)
        within = timedelta(seconds=context.city.limits.original_link_s)
        until = await original_sql.give(context.db, media_id, secret, reader, within)
        if until is None:
            raise not_found()
        return {"url": f"/v1/media/{media_id}/original?link={secret}", "expires_at": until}

    @routes.get("/reports/{report_id}", responses=documents(401, 403, 404, 422, 503))
    async def report(report_id: UUID, reporter: ReporterId, _: Service) -> dict[str, Any]:
        """A report whose event may not have arrived yet; 404 when it is not this reporter's."""
        found = await report_sql.own(context.db, report_id, reporter)
        if found is None:
            raise not_found()
        return described(found)

    @routes.get("/reports", responses=documents(401, 403, 422, 503))
    async def reports(
        _: Service,
        reporter: ReporterId,
        after: UUID | AwareDatetime | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_REPORTS)] = MOST_REPORTS,
    ) -> dict[str, Any]:
        """A reporter's reports behind a report's id or an instant, oldest first."""
        after_id = after if isinstance(after, UUID) else None
        instant = None if after is None or isinstance(after, UUID) else after
        found = await report_sql.latest(context.db, reporter, after_id, instant, limit)
        return {"reports": [described(each) for each in found]}

    @routes.get("/revocations", responses=documents(401, 403, 422, 503))
    async def revocations(_: Service, since: AwareDatetime | None = None) -> dict[str, Any]:
        """Sessions that ended while a token of theirs may live, and until when it may."""
        now = context.clock()
        found = await session_sql.revoked(context.db, now, since)
        return {"sessions": sorted(found), "expires_at": found, "as_of": now}

    routes.routes.extend(clients.router(context).routes)
    routes.routes.extend(people.router(context).routes)
    return routes
