"""A token that was verified once is not believed for longer, nor for more, than it says."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runtime import auth
from runtime.auth import Auth
from runtime.tokens import LEEWAY_S, BadToken, Caller, SigningKey

KEY = SigningKey(Ed25519PrivateKey.generate())
LIFETIME_S = 600.0


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


def token(session: str = "s1") -> str:
    caller = Caller(sub="r1", role="reporter", session_id=session)
    return KEY.sign(caller, datetime.now(UTC), timedelta(seconds=LIFETIME_S))


def auth_of(clock: Clock) -> Auth:
    return Auth(keys={KEY.kid: KEY.public}, clock=clock)


async def test_the_second_look_at_a_token_finds_the_same_caller() -> None:
    known, sent = auth_of(Clock()), token()
    first = await known.caller(sent)
    assert await known.caller(sent) is first
    assert first.sub == "r1"


async def test_a_known_token_ends_when_it_says() -> None:
    clock = Clock()
    known, sent = auth_of(clock), token()
    await known.caller(sent)
    clock.ahead_s = LIFETIME_S + LEEWAY_S - 5
    await known.caller(sent)
    clock.ahead_s = LIFETIME_S + LEEWAY_S + 5
    with pytest.raises(BadToken, match="expired"):
        await known.caller(sent)


async def test_a_known_token_ends_with_its_session() -> None:
    known, sent = auth_of(Clock()), token("s2")
    await known.caller(sent)
    known.revoked = {"s2"}
    with pytest.raises(BadToken, match="session ended"):
        await known.caller(sent)


async def test_a_known_token_with_another_end_is_another_token() -> None:
    known, sent = auth_of(Clock()), token()
    await known.caller(sent)
    forged = sent[:-4] + ("AAAA" if sent[-4:] != "AAAA" else "BBBB")
    with pytest.raises(BadToken):
        await known.caller(forged)


async def test_no_more_tokens_are_remembered_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "MOST_VERIFIED", 3)
    known = auth_of(Clock())
    for number in range(10):
        await known.caller(token(f"s{number}"))
    assert len(known._verified) == 3
