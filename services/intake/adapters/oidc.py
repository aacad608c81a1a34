"""OpenID Connect: tokens of issuers that the settings name, verified by their published keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from runtime.settings import SettingsError
from runtime.tokens import LEEWAY_S
from services.intake.adapters.issuers import IssuerAway, IssuerRefuses, fetch

VARIABLE = "YIZHAN_INTAKE_OIDC_ISSUERS"
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Public keys only: a shared secret would let its holder forge anybody."""
REFETCH_S = 5.0
KEEP_S = 3600.0
RSA_BITS = 2048
MOST_TOKEN = 8192


class Issuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider as the settings describe it. `of`: whom it knows."""

    issuer: str
    audience: str
    jwks_url: str
    of: Literal["reporters", "staff"]
    algorithms: tuple[Algorithm, ...] = ("RS256", "ES256")


def issuers_of(text: str, *, local: bool) -> tuple[Issuer, ...]:
    """The JSON list of a setting, empty for none. Raises SettingsError."""
    try:
        found = msgspec.json.decode(text or "[]", type=tuple[Issuer, ...])
    except msgspec.MsgspecError as error:
        raise SettingsError(f"{VARIABLE}: {error}") from error
    for each in found:
        if not (each.issuer and each.audience and each.algorithms):
            raise SettingsError(f"{VARIABLE}: issuer, audience and algorithms must not be empty")
        if urlsplit(each.jwks_url).scheme not in ({"https", "http"} if local else {"https"}):
            raise SettingsError(f"{VARIABLE}: jwks_url of {each.issuer} is not https")
    if len({each.issuer for each in found}) != len(found):
        raise SettingsError(f"{VARIABLE}: an issuer stands there twice")
    return found


class Oidc:
    """Verifies ID tokens. Keys are cached an hour and asked for again when an unknown one signs."""

    def __init__(self, issuers: Sequence[Issuer]) -> None:
        self._keys = {each.issuer: _Keys(each) for each in issuers}

    async def verified(self, token: str) -> tuple[Issuer, Mapping[str, Any]]:
        """Who vouches, and the claims. Raises IssuerRefuses, IssuerAway."""
        if len(token) > MOST_TOKEN:
            raise IssuerRefuses("too long")
        try:
            header = jwt.get_unverified_header(token)
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError as error:
            raise IssuerRefuses(type(error).__name__) from error
        keys = self._keys.get(str(claims.get("iss")))
        kid, algorithm = header.get("kid"), header.get("alg")
        if keys is None or not isinstance(kid, str):
            raise IssuerRefuses("issuer or key is not known")
        if algorithm not in keys.issuer.algorithms:
            raise IssuerRefuses("algorithm is not allowed for this issuer")
        return keys.issuer, _verified(token, await keys.one(kid, algorithm), keys.issuer, algorithm)


class _Keys:
    """One issuer's published keys."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self._by_id: dict[str, Mapping[str, Any]] = {}
        self._asked_at = self._got_at = -KEEP_S
        self._asking = asyncio.Lock()

    async def one(self, kid: str, algorithm: str) -> Any:
        """The key, usable with that algorithm. Raises IssuerRefuses, IssuerAway."""
        async with self._asking:
            now = time.monotonic()
            stale = now - self._got_at >= KEEP_S
            if (stale or kid not in self._by_id) and now - self._asked_at >= REFETCH_S:
                self._asked_at = now
                self._by_id = _by_id(await fetch(self.issuer.jwks_url))
                self._got_at = now
        if kid not in self._by_id:
            raise IssuerRefuses("key is not known")
        try:
            key = jwt.PyJWK.from_dict(dict(self._by_id[kid]), algorithm=algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise IssuerRefuses("key does not fit the algorithm") from error
        if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS:
            raise IssuerRefuses("key is too short")
        return key


def _by_id(body: bytes) -> dict[str, Mapping[str, Any]]:
    try:
        found = msgspec.json.decode(body, type=dict[str, list[dict[str, Any]]])["keys"]
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError, RecursionError) as error:
        raise IssuerAway("not a key set") from error
    return {
        str(each["kid"]): each
        for each in found
        if each.get("use", "sig") == "sig" and "kid" in each
    }


def _verified(token: str, key: Any, issuer: Issuer, algorithm: str) -> Mapping[str, Any]:
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=issuer.audience,
            issuer=issuer.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "aud", "iss", "sub"]},
        )
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise IssuerRefuses(type(error).__name__) from error
