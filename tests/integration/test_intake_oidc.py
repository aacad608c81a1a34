"""Reporters and staff who sign in with a provider: its keys, their rotation, its forgers."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from services.intake.adapters import oidc
from tests.integration.intake_set import Intake, installation, opened
from tests.integration.issuer import Issuer, issuer
from tests.integration.service_set import Environment

PEOPLE, STAFF = "https://login.example/people", "https://login.example/staff"
COMMUNITY = "610102001003"
RSA = rsa.generate_private_key(65537, 2048)
SHORT = rsa.generate_private_key(65537, 1024)
EC = ec.generate_private_key(ec.SECP256R1())
NEW = ec.generate_private_key(ec.SECP256R1())
FORGER = rsa.generate_private_key(65537, 2048)


def jwk(key: Any, kid: str, **more: str) -> dict[str, Any]:
    kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **more}


KEYS = [jwk(RSA, "rsa"), jwk(EC, "ec"), jwk(SHORT, "short")]


def token(key: Any = RSA, alg: str = "RS256", kid: str | None = "rsa", **more: Any) -> str:
    now = int(time.time())
    claims = {"iss": PEOPLE, "aud": "yizhan", "sub": "s-1", "iat": now, "exp": now + 600} | more
    claims = {name: value for name, value in claims.items() if value is not None}
    headers = {"kid": kid} if kid is not None else None
    return jwt.encode(claims, key, algorithm=alg, headers=headers)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with installation(tmp_path_factory.mktemp("oidc") / "data") as found:
        yield found


@pytest.fixture
async def provider() -> AsyncIterator[Issuer]:
    async with issuer("/keys") as found:
        found.says = {"keys": KEYS}
        yield found


@pytest.fixture
async def intake(env: Environment, provider: Issuer) -> AsyncIterator[Intake]:
    issuers = [
        {"issuer": each, "audience": "yizhan", "jwks_url": provider.url, "of": of}
        for each, of in ((PEOPLE, "reporters"), (STAFF, "staff"))
    ]
    async with opened(env, oidc_issuers=json.dumps(issuers)) as found:
        yield found


async def sign_in(intake: Intake, text: str) -> httpx.Response:
    return await intake.client.post("/v1/sessions", json={"oidc_token": text})


async def test_rs256_and_es256_are_one_person(intake: Intake, provider: Issuer) -> None:
    answers = [await sign_in(intake, token()), await sign_in(intake, token(EC, "ES256", "ec"))]
    assert [each.status_code for each in answers] == [201, 201], answers[0].text
    assert answers[0].json()["reporter_id"] == answers[1].json()["reporter_id"]
    access = {"Authorization": f"Bearer {answers[0].json()['access_token']}"}
    assert (await intake.client.get("/v1/me", headers=access)).json()["role"] == "reporter"
    other = await sign_in(intake, token(sub="s-2"))
    assert other.json()["reporter_id"] != answers[0].json()["reporter_id"]
    assert len(provider.asked) == 1  # cached


def unsigned(**header: Any) -> str:
    parts = [header, jwt.decode(token(), options={"verify_signature": False})]
    encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in parts]
    return b".".join([*encoded, b""]).decode()


def signed_with_the_public_key() -> str:
    """HS256 with the RSA key's public half as the secret: the classic confusion."""
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    secret = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body = unsigned(alg="HS256", kid="rsa", typ="JWT").rstrip(".")
    mac = hmac.new(secret, body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


NOW = int(time.time())
FORGED = {
    "nonsense": "nonsense",
    "two parts": "a.b",
    "none": unsigned(alg="none", kid="rsa"),
    "None": unsigned(alg="None", kid="rsa"),
    "hs256": signed_with_the_public_key(),
    "another key": token(FORGER),
    "another kind of key": token(EC, "ES256", "rsa"),
    "its rsa key with pss": token(RSA, "PS256"),
    "short key": token(SHORT, kid="short"),
    "unknown key": token(kid="gone"),
    "kid is a path": token(kid="../../rsa"),
    "no kid": token(kid=None),
    "expired": token(exp=NOW - 120),
    "not yet": token(nbf=NOW + 600),
    "from the future": token(iat=NOW + 600),
    "no exp": token(exp=None),
    "no iat": token(iat=None),
    "no sub": token(sub=None),
    "no audience": token(aud=None),
    "another audience": token(aud="another-app"),
    "another issuer": token(iss="https://evil.example"),
    "no issuer": token(iss=None),
    "issuer with a slash": token(iss=PEOPLE + "/"),
    "changed": token()[:-8] + "AAAAAAAA",
    "key of its own": jwt.encode(
        {"iss": PEOPLE, "aud": "yizhan", "sub": "s", "iat": NOW, "exp": NOW + 600},
        FORGER,
        algorithm="RS256",
        headers={"kid": "mine", "jwk": jwk(FORGER, "mine"), "jku": "https://evil.example/keys"},
    ),
}


@pytest.mark.parametrize("name", FORGED)
async def test_forgers_get_401(intake: Intake, name: str) -> None:
    answer = await sign_in(intake, FORGED[name])
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/sign-in-refused"), name


async def test_clocks_may_differ_by_a_minute(intake: Intake) -> None:
    for fine in (token(exp=int(time.time()) - 50), token(iat=int(time.time()) + 50)):
        assert (await sign_in(intake, fine)).status_code == 201


async def test_a_new_key_is_found_and_an_old_one_ends(
    intake: Intake, provider: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await sign_in(intake, token())).status_code == 201
    provider.says = {"keys": [jwk(NEW, "new")]}
    assert (await sign_in(intake, token(NEW, "ES256", "new"))).status_code == 401
    assert len(provider.asked) == 1  # unknown keys make no storm of questions
    monkeypatch.setattr(oidc, "REFETCH_S", 0.0)
    assert (await sign_in(intake, token(NEW, "ES256", "new"))).status_code == 201
    assert (await sign_in(intake, token())).status_code == 401


@pytest.mark.parametrize(
    "says", [b"", b"<html>", [], {"keys": 1}, {}, {"keys": [1]}, b"x" * 10_000_000]
)
async def test_a_provider_that_is_away_is_503(intake: Intake, provider: Issuer, says: Any) -> None:
    provider.says = says
    answer = await sign_in(intake, token())
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


async def staff(intake: Intake, *groups: str, **more: Any) -> httpx.Response:
    return await sign_in(intake, token(iss=STAFF, groups=list(groups), **more))


async def test_staff_are_what_the_city_says(intake: Intake) -> None:
    answer = await staff(intake, f"yizhan-community-{COMMUNITY}", "others", "yizhan-community-1")
    given = answer.json()
    assert (given["role"], "refresh_token" in given, answer.status_code) == ("handler", False, 201)
    assert 0 < given["expires_in_s"] <= 600
    caller = await intake.app.state.auth.caller(given["access_token"])
    assert caller.communities == {COMMUNITY}
    again = (await staff(intake, "yizhan-operators", f"yizhan-community-{COMMUNITY}")).json()
    operator = await intake.app.state.auth.caller(again["access_token"])
    assert (operator.role, operator.communities) == ("operator", frozenset())
    assert operator.sub == caller.sub
    listed = await intake.client.get(
        f"/v1/communities/{COMMUNITY}/registrations",
        headers={"Authorization": f"Bearer {given['access_token']}"},
    )
    assert listed.status_code == 200
    short = (await staff(intake, "yizhan-operators", exp=int(time.time()) + 30)).json()
    assert short["expires_in_s"] <= 30


@pytest.mark.parametrize(
    "groups",
    [[], ["others"], ["yizhan-community-"], ["yizhan-community-1"], ["yizhan-department-x"], [1],
     {"a": 1}, None, 7, "YIZHAN-OPERATORS", ["yizhan-operators "]],
)  # fmt: skip
async def test_who_has_no_role_gets_none(intake: Intake, groups: Any) -> None:
    answer = await sign_in(intake, token(iss=STAFF, groups=groups))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-staff")


async def test_a_reporters_provider_makes_no_staff(intake: Intake) -> None:
    answer = await sign_in(intake, token(groups=["yizhan-operators"]))
    assert "role" not in answer.json() and answer.json()["reporter_id"]


async def test_words_apart_by_blanks(intake: Intake) -> None:
    answer = await sign_in(intake, token(iss=STAFF, groups="openid yizhan-operators"))
    assert answer.json()["role"] == "operator"
