"""WeChat mini programs: a login code becomes an openid; the session key stays unread."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import msgspec

from services.intake.adapters.identity_sql import Identity
from services.intake.adapters.issuers import IssuerAway, IssuerBusy, IssuerRefuses, fetch

BUSY = -1
REFUSED = frozenset({40029, 40163, 40226, 41008})
"""Not a code; a code that was used; a risky account; no code."""
TOO_OFTEN = 45011
MOST_ID = 128

log = logging.getLogger(__name__)


class _Session(msgspec.Struct):
    """What is read of the answer; `session_key` and `unionid` are not among it."""

    openid: str = ""
    errcode: int = 0


@dataclass(frozen=True)
class WeChat:
    """`GET …/sns/jscode2session` for one mini program."""

    url: str
    appid: str
    secret: str = field(repr=False)

    async def identity(self, code: str) -> Identity:
        """Who logged in. Raises IssuerRefuses, IssuerBusy, IssuerAway (try again)."""
        query = {
            "appid": self.appid,
            "secret": self.secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        try:
            session = msgspec.json.decode(await fetch(self.url, query), type=_Session)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise IssuerAway("not the shape that we know") from None
        if session.errcode in REFUSED:
            raise IssuerRefuses(str(session.errcode))
        if session.errcode == TOO_OFTEN:
            raise IssuerBusy(str(session.errcode))
        if session.errcode != 0:
            if session.errcode != BUSY:
                log.error("WeChat refuses this installation: errcode %d", session.errcode)
            raise IssuerAway(f"errcode {session.errcode}")
        if not 0 < len(session.openid) <= MOST_ID:
            raise IssuerAway("no openid")
        return Identity(f"wechat:{self.appid}", session.openid)
