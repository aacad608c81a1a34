"""What tracking asks for a person's own copy (GET /v1/me/export)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from runtime.auth import allow
from runtime.tokens import Caller
from services.intake.adapters import own_sql
from services.intake.api.context import Context
from services.intake.api.problems import PatientRoute, documents

MOST_MEDIA = 500
Service = Annotated[Caller, allow("service")]
PersonId = Annotated[str, Path(max_length=64, pattern=r"^[ -~]+$")]


def router(context: Context) -> APIRouter:
    """/internal/v1/people/{id}, /people/{id}/media."""
    routes = APIRouter(prefix="/internal/v1", route_class=PatientRoute, tags=["internal"])

    @routes.get("/people/{reporter_id}", responses=documents(401, 403, 422, 503))
    async def person(reporter_id: PersonId, _: Service) -> dict[str, Any]:
        """Profile, devices, sessions, registrations."""
        return await own_sql.person(context.db, reporter_id)

    @routes.get("/people/{reporter_id}/media", responses=documents(401, 403, 422, 503))
    async def media(
        reporter_id: PersonId,
        _: Service,
        after: Annotated[str, Query(max_length=64)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_MEDIA)] = MOST_MEDIA,
    ) -> dict[str, Any]:
        """Photos and voice notes behind that id."""
        return {"media": await own_sql.media(context.db, reporter_id, after, limit)}

    return routes
