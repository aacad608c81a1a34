"""DELETE /v1/me: the person is forgotten, here at once and everywhere by event."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response

from runtime import erasure
from runtime.auth import allow
from runtime.outbox import Outgoing, append
from runtime.tokens import Caller
from services.intake.adapters import erase_sql, link_sql, registration_sql, session_sql
from services.intake.api.context import Context
from services.intake.api.problems import PatientRoute, documents
from services.intake.domain.observer import erased

Reporter = Annotated[Caller, allow("reporter")]


def router(context: Context) -> APIRouter:
    """DELETE /v1/me."""
    routes = APIRouter(route_class=PatientRoute, tags=["sessions"])

    @routes.delete("/v1/me", status_code=204, responses=documents(401, 403, 503))
    async def erase(request: Request, caller: Reporter) -> Response:
        """Erases the caller. Sessions, devices and registrations end now; reports, photos and
        notices go within minutes, the last copy on a topic within 8 days. Cases, points and
        counts stay without a name."""
        ended = await _erased(context, caller)
        request.app.state.auth.revoked |= {*ended, caller.session_id}
        context.bell.ring()
        return Response(status_code=204)

    return routes


async def _erased(context: Context, caller: Caller) -> list[str]:
    """In one transaction; the ids of the sessions that it ended. Again changes nothing."""
    async with context.db.transaction() as connection:
        await erasure.enter(connection, alone=True)
        known = await registration_sql.lock_reporter(connection, caller.sub)
        if await erasure.among(connection, {caller.sub}):
            return []
        now = await connection.fetchval("select clock_timestamp()")
        sessions = await erase_sql.sessions_of(connection, caller.sub)
        for session_id in sessions:
            await session_sql.end_session(connection, session_id, now)
        for each in (caller.sub, *await link_sql.linked_to(connection, caller.sub)):
            seq = await registration_sql.next_seq(connection, each) if known else 1
            await append(connection, [Outgoing(erased(each, seq, now))])
            await erasure.remember(connection, {each: now})
            await erase_sql.forget_person(connection, each)
    return sessions
