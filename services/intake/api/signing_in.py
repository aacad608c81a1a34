"""Who a session is for: a device alone, or a person whom WeChat or a provider vouches for."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from runtime import erasure, linking
from runtime.db import Connection
from runtime.errors import TOO_MANY, Problem, invalid_field, unavailable
from runtime.outbox import Outgoing, append
from runtime.tokens import LIFETIME, Caller
from services.intake.adapters import (
    erase_sql,
    identity_sql,
    link_sql,
    observer_sql,
    registration_sql,
    session_sql,
)
from services.intake.adapters.identity_sql import Identity
from services.intake.adapters.issuers import IssuerAway, IssuerBusy, IssuerRefuses
from services.intake.api.bodies import SessionBody
from services.intake.api.context import Context
from services.intake.api.problems import NOT_STAFF, SIGN_IN_REFUSED, WRONG_SECRET
from services.intake.domain.observer import linked

BUSY_RETRY_S = 60
WORDS_MOST = 200


async def vouched(context: Context, body: SessionBody) -> Identity | dict[str, Any] | None:
    """The person who signs in, a whole answer for staff, None for a device alone.

    Raises 401, 403, 422, 429, 503. Nothing of it is in a transaction: others are asked.
    """
    try:
        if body.wechat_code is not None:
            if context.wechat is None:
                raise _not_offered("wechat_code")
            return await context.wechat.identity(body.wechat_code)
        if body.oidc_token is not None:
            if not context.settings.issuers:
                raise _not_offered("oidc_token")
            issuer, claims = await context.oidc.verified(body.oidc_token)
            if issuer.of == "staff":
                return _staff(context, issuer.issuer, claims)
            return Identity(issuer.issuer, str(claims["sub"]))
    except IssuerRefuses as error:
        raise Problem(SIGN_IN_REFUSED) from error
    except IssuerBusy as error:
        raise Problem(TOO_MANY, headers={"Retry-After": str(BUSY_RETRY_S)}) from error
    except IssuerAway as error:
        raise unavailable() from error
    return None


async def device_of(connection: Connection, body: SessionBody) -> str | None:
    """The reporter whose device this is by its secret; None when no secret came. Raises 401."""
    if body.device_secret is None or body.device_id is None:
        return None
    with suppress(ValueError):
        found = await session_sql.reporter_of(
            connection,
            device_row=UUID(hex=body.device_secret.partition(".")[0]),
            device_id=body.device_id,
            device_secret=body.device_secret,
        )
        if found:
            return found
    raise Problem(WRONG_SECRET)


async def person_of(
    connection: Connection, identity: Identity, device: str | None, language: str
) -> tuple[str, list[str]]:
    """The reporter of a signed-in person, and the device's sessions that this ended.

    At the first sign-in the device's reporter becomes the person: reports and points are theirs.
    A further device joins them.
    """
    known = await identity_sql.lock(connection, identity)
    if known is not None:
        if device not in (None, known):
            assert device is not None
            return known, await _join(connection, device, known)
        return known, []
    reporter_id = device
    if device is None or await identity_sql.is_signed_in(connection, device):
        reporter_id = str(uuid4())
        await identity_sql.new_reporter(connection, reporter_id, language)
    assert reporter_id is not None
    await identity_sql.add(connection, identity, reporter_id)
    return reporter_id, []


async def _join(connection: Connection, device: str, person: str) -> list[str]:
    """Unless the device is somebody else's who signs in, or one of the two is suspended."""
    await erasure.enter(connection, alone=True)
    both = [await observer_sql.locked(connection, each) for each in sorted((device, person))]
    if not all(each is not None and each.state == "active" for each in both):
        return []
    if await identity_sql.is_signed_in(connection, device):
        return []
    now = await connection.fetchval("select clock_timestamp()")
    sessions = await erase_sql.sessions_of(connection, device)
    for session_id in sessions:
        await session_sql.end_session(connection, session_id, now)
    await link_sql.link(connection, device, person)
    await linking.remember(connection, {device: person})
    seq = await registration_sql.next_seq(connection, person)
    await append(connection, [Outgoing(linked(person, device, seq, now))])
    return sessions


def _staff(context: Context, issuer: str, claims: Any) -> dict[str, Any]:
    """A token as long as the provider's, 30 minutes at most; no refresh: the provider decides."""
    said = claims.get(context.staff.claim, ())
    words = said.split() if isinstance(said, str) else said
    if not isinstance(words, list | tuple) or len(words) > WORDS_MOST:
        raise Problem(NOT_STAFF)
    standing = context.staff.standing(each for each in words if isinstance(each, str))
    if standing is None:
        raise Problem(NOT_STAFF)
    now = context.clock()
    left = datetime.fromtimestamp(float(claims["exp"]), UTC) - now
    lifetime = max(timedelta(seconds=1), min(left, LIFETIME))
    caller = Caller(
        sub=str(uuid5(NAMESPACE_URL, f"{issuer}#{claims['sub']}")),
        role=standing.role,
        session_id=str(uuid4()),
        communities=standing.communities,
        departments=standing.departments,
    )
    return {
        "reporter_id": None,
        "role": standing.role,
        "access_token": context.key.sign(caller, now, lifetime),
        "expires_in_s": int(lifetime.total_seconds()),
    }


def _not_offered(field: str) -> Problem:
    return invalid_field(field, "此处不支持这种登录方式", "This way to sign in is not offered here")
