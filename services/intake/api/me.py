"""GET and PATCH /v1/me: who the caller is, in which language, under which terms."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request

from runtime.auth import allow
from runtime.errors import language_of, not_found
from runtime.tokens import Caller
from services.intake.adapters import session_sql
from services.intake.api.bodies import Me, MeBody
from services.intake.api.context import Context
from services.intake.api.problems import PatientRoute, documents


def router(context: Context) -> APIRouter:
    """Both."""
    routes = APIRouter(route_class=PatientRoute, tags=["sessions"])

    @routes.get("/v1/me", response_model=Me, responses=documents(401, 403, 503))
    async def me(
        request: Request,
        caller: Annotated[Caller, allow("reporter", "handler", "department", "operator")],
    ) -> dict[str, Any]:
        """Who the caller is."""
        row = await session_sql.profile(context.db, caller.sub)
        if row is not None:
            return dict(row) | {"role": caller.role}
        fallback = language_of(request.headers.get("accept-language", ""))
        return {"id": caller.sub, "role": caller.role, "language": fallback}

    @routes.patch("/v1/me", response_model=Me, responses=documents(401, 403, 404, 422, 503))
    async def change(body: MeBody, caller: Annotated[Caller, allow("reporter")]) -> dict[str, Any]:
        """Language, and the terms that the reporter agrees to; again the same changes nothing."""
        said = body.model_fields_set
        row = await session_sql.change_profile(
            context.db, caller.sub, body.language, "consent" in said, body.consent
        )
        if row is None:
            raise not_found()
        return dict(row) | {"role": caller.role}

    return routes
