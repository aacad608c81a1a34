"""Who a session is for: a device alone, or a person whom WeChat or a provider vouches for."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from runtime.db import Connection
from runtime.errors import TOO_MANY, Problem, invalid_field, unavailable
from runtime.tokens import LIFETIME, Caller
from services.intake.adapters import identity_sql, session_sql
from services.intake.adapters.identity_sql import Identity
from services.intake.adapters.issuers import IssuerAway, IssuerBusy, IssuerRefuses
from services.intake.api.bodies import SessionBody
from services.intake.api.context import Context
from services.intake.api.problems import NOT_STAFF, SIGN_IN_REFUSED, WRONG_SECRET

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
) -> str:
    """The reporter of a signed-in person.

    At the first sign-in the device's reporter becomes the person: reports and points are theirs.
    """
    known = await identity_sql.lock(connection, identity)
    if known is not None:
        return known
    reporter_id = device
    if device is None or await identity_sql.is_signed_in(connection, device):
        reporter_id = str(uuid4())
        await identity_sql.new_reporter(connection, reporter_id, language)
    assert reporter_id is not None
    await identity_sql.add(connection, identity, reporter_id)
    return reporter_id


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
