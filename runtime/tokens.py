"""Access tokens: signed by intake (EdDSA), verified everywhere by key id, issuer and audience."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm

ISSUER = "yizhan"
AUDIENCE = "yizhan"
ALGORITHM = "EdDSA"
LIFETIME = timedelta(minutes=30)
LEEWAY_S = 60
PERSON_ROLES = frozenset({"reporter", "handler", "department", "operator"})


class BadToken(ValueError):
    """The token does not count; the text is for the log, not for the client."""


@dataclass(frozen=True)
class Caller:
    """Who calls: subject id, role, session, and what a member of staff stands for."""

    sub: str
    role: str
    session_id: str = ""
    communities: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    expires_at: float = field(default=0.0, compare=False)


class SigningKey:
    """An Ed25519 key with its id (`kid`: a hash of the public key)."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key()
        self.kid = key_id(self.public)

    @classmethod
    def read(cls, path: Path) -> SigningKey:
        """From a PKCS8 PEM file. Raises ValueError for another kind of key."""
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path.name} is not an Ed25519 key")
        return cls(key)

    def sign(self, caller: Caller, now: datetime, lifetime: timedelta = LIFETIME) -> str:
        """A token for the caller, at most 30 minutes long."""
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": caller.sub,
            "sid": caller.session_id,
            "role": caller.role,
            "iat": int(now.timestamp()),
            "exp": int((now + min(lifetime, LIFETIME)).timestamp()),
        }
        if caller.communities:
            claims["communities"] = sorted(caller.communities)
        if caller.departments:
            claims["departments"] = sorted(caller.departments)
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        """The public half as a JWK set."""
        jwk = OKPAlgorithm.to_jwk(self.public, as_dict=True)
        return {"keys": [jwk | {"kid": self.kid, "use": "sig", "alg": ALGORITHM}]}


def key_id(public: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the raw key's SHA-256."""
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def keys_of(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """Public keys by `kid`; only Ed25519 ones. Raises BadToken for anything else."""
    try:
        keys = [key for key in jwks["keys"] if key.get("crv") == "Ed25519"]
        return {str(key["kid"]): OKPAlgorithm.from_jwk(key) for key in keys}
    except (KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise BadToken("unusable JWK set") from error


def token_key_id(token: str) -> str:
    """The `kid` in the header, unverified. Raises BadToken."""
    try:
        return str(jwt.get_unverified_header(token)["kid"])
    except (jwt.PyJWTError, KeyError) as error:
        raise BadToken("no usable header") from error


def verify(token: str, key: Any) -> Caller:
    """The caller in a token that this key signed. Raises BadToken."""
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "aud", "iss", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise BadToken(type(error).__name__) from error
    if claims.get("role") not in PERSON_ROLES:
        raise BadToken("unknown role")
    return Caller(
        sub=str(claims["sub"]),
        role=str(claims["role"]),
        session_id=str(claims.get("sid", "")),
        communities=frozenset(map(str, claims.get("communities", ()))),
        departments=frozenset(map(str, claims.get("departments", ()))),
        expires_at=float(claims["exp"]),
    )
