"""Sessions: a device is a reporter at once; tokens are short, refresh tokens used once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Body, Request, Response

from contracts.city import FloodBy
from runtime import cookies
from runtime.auth import allow
from runtime.db import Connection
from runtime.errors import OTHER_SITE, Problem, language_of
from runtime.tokens import LIFETIME, Caller
from services.intake.adapters import session_sql
from services.intake.adapters.session_sql import SESSION_DAYS, Grant, Reused
from services.intake.api.bodies import RefreshBody, SessionBody, SessionGiven
from services.intake.api.context import Context
from services.intake.api.floods import address_of, count_for
from services.intake.api.problems import SESSION_OVER, PatientRoute, documents
from services.intake.api.signing_in import device_of, person_of, vouched

DAY_S = 86_400


def router(context: Context) -> APIRouter:
    """POST and DELETE /v1/sessions, refresh, the key set."""
    routes = APIRouter(route_class=PatientRoute, tags=["sessions"])
    jwks = context.key.jwks()

    @routes.post(
        "/v1/sessions",
        status_code=201,
        response_model=SessionGiven,
        response_model_exclude_none=True,
        responses=documents(401, 403, 422, 429, 503),
    )
    async def begin(
        request: Request,
        response: Response,
        body: SessionBody,
        _: Annotated[Caller | None, allow("public")],
    ) -> dict[str, Any]:
        """An anonymous reporter for a new device; the same one for a device with its secret; the
        person whom WeChat or a provider vouches for; a staff token for staff of the city's."""
        context.need_room()
        if body.cookie and not cookies.from_our_own_page(request):
            raise Problem(OTHER_SITE)
        counted: dict[FloodBy, str] = {"address": address_of(request)}
        if body.device_id is not None:
            counted["device"] = body.device_id
        await count_for(context, "session", counted)
        language = language_of(request.headers.get("accept-language", ""))
        who = await vouched(context, body)
        if isinstance(who, dict):
            return in_cookies(response, who) if body.cookie else who
        async with context.db.transaction() as connection:
            device, secret = await device_of(connection, body), None
            ended: list[str] = []
            if who is not None:
                reporter_id, ended = await person_of(connection, who, device, language)
            elif device is not None:
                reporter_id = device
            else:
                assert body.device_id is not None
                reporter_id, secret = await _new(connection, body.device_id, language)
            grant = Grant(reporter_id, str(uuid4()), session_sql.new_secret())
            await session_sql.open_session(connection, grant, context.clock())
        if ended:
            request.app.state.auth.revoked |= set(ended)
            context.bell.ring()
        found = given(context, grant) | {"device_secret": secret}
        return in_cookies(response, found) if body.cookie else found

    @routes.post(
        "/v1/sessions/refresh",
        response_model=SessionGiven,
        response_model_exclude_none=True,
        responses=documents(401, 403, 422, 503),
    )
    async def refresh(
        request: Request,
        response: Response,
        _: Annotated[Caller | None, allow("public")],
        body: Annotated[RefreshBody, Body(default_factory=RefreshBody)],
    ) -> dict[str, Any]:
        """New tokens for a refresh token; a second use of one ends the session.

        A page's refresh token is in its cookie, and so are the new tokens then.
        """
        sent, in_cookie = body.refresh_token, request.cookies.get(cookies.REFRESH)
        if sent is None and in_cookie and not cookies.from_our_own_page(request):
            raise Problem(OTHER_SITE)
        following = session_sql.new_secret()
        async with context.db.transaction() as connection:
            grant = await session_sql.rotate(
                connection, sent or in_cookie or "", following, context.clock()
            )
        if isinstance(grant, Reused):
            request.app.state.auth.revoked.add(grant.session_id)
        if not isinstance(grant, Grant):
            raise Problem(SESSION_OVER)
        found = given(context, grant)
        return in_cookies(response, found) if sent is None else found

    @routes.delete("/v1/sessions", status_code=204, responses=documents(401, 403, 503))
    async def end(
        request: Request,
        caller: Annotated[Caller, allow("reporter", "handler", "department", "operator")],
    ) -> Response:
        """Ends the caller's session everywhere, within seconds."""
        if caller.session_id:
            async with context.db.transaction() as connection:
                await session_sql.end_session(connection, caller.session_id, context.clock())
            request.app.state.auth.revoked.add(caller.session_id)
        response = Response(status_code=204)
        cookies.forget(response)
        return response

    @routes.get("/.well-known/jwks.json")
    async def key_set(_: Annotated[Caller | None, allow("public")]) -> dict[str, Any]:
        """The public keys by which tokens are verified."""
        return jwks

    def in_cookies(response: Response, found: dict[str, Any]) -> dict[str, Any]:
        """The answer without its tokens, which go along as cookies."""
        tls = context.settings.common.mode != "local"
        access, refresh = found["access_token"], found.get("refresh_token")
        cookies.keep(response, access, refresh, SESSION_DAYS * DAY_S, tls=tls)
        return {name: value for name, value in found.items() if not name.endswith("_token")}

    return routes


async def _new(connection: Connection, device_id: str, language: str) -> tuple[str, str]:
    """A reporter and the device's secret: the id of its row, then 256 random bits."""
    reporter_id, device_row = str(uuid4()), uuid4()
    secret = f"{device_row.hex}.{session_sql.new_secret()}"
    await session_sql.new_reporter(
        connection,
        reporter_id=reporter_id,
        language=language,
        device_row=device_row,
        device_id=device_id,
        device_secret=secret,
    )
    return reporter_id, secret


def given(context: Context, grant: Grant) -> dict[str, Any]:
    """The tokens of a session as the client gets them."""
    now: datetime = context.clock()
    caller = Caller(sub=grant.reporter_id, role="reporter", session_id=grant.session_id)
    return {
        "reporter_id": grant.reporter_id,
        "access_token": context.key.sign(caller, now),
        "refresh_token": grant.refresh_token,
        "expires_in_s": int(LIFETIME.total_seconds()),
    }
