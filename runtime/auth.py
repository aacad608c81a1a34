"""Who may call a route: deny by default, a role declared on each, checked at start-up."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from contracts.facts import ROLES
from runtime import cookies
from runtime.errors import FORBIDDEN, OTHER_SITE, UNAUTHORIZED, Problem, unavailable
from runtime.tokens import (
    LEEWAY_S,
    BadToken,
    Caller,
    SigningKey,
    keys_of,
    token_key_id,
    verify,
)

POLL_S = 5.0
JWKS_LIMIT_BYTES = 64 * 1024
MOST_VERIFIED = 10_000
"""Tokens (by hash) that a process remembers as genuine, the oldest forgotten first."""

log = logging.getLogger(__name__)


class Auth:
    """The keys that sign tokens, the keys of services, and the sessions that were ended."""

    def __init__(
        self,
        *,
        keys: Mapping[str, Any] | None = None,
        jwks_url: str = "",
        service_keys: Mapping[str, str] | None = None,
        internal_url: str = "",
        own_service_key: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = dict(keys or {})
        self._jwks_url = jwks_url
        self._service_keys = dict(service_keys or {})
        self._internal_url = internal_url
        self._own_service_key = own_service_key
        self._clock = clock
        self._verified: dict[str, Caller] = {}
        self._refreshing = asyncio.Lock()
        self._refreshed_at = -POLL_S
        self.revoked: set[str] = set()

    @classmethod
    def from_env(cls, env: Mapping[str, str], service: str) -> Auth:
        """Reads YIZHAN_SIGNING_KEY_FILE or YIZHAN_JWKS_URL, YIZHAN_SERVICE_KEYS and the URLs."""
        keys: dict[str, Any] = {}
        if path := env.get("YIZHAN_SIGNING_KEY_FILE"):
            key = SigningKey.read(Path(path))
            keys[key.kid] = key.public
        return cls(
            keys=keys,
            jwks_url=env.get("YIZHAN_JWKS_URL", ""),
            service_keys=json.loads(env.get("YIZHAN_SERVICE_KEYS") or "{}"),
            internal_url=env.get("YIZHAN_INTERNAL_URL", ""),
            own_service_key=env.get(f"YIZHAN_{service.upper()}_SERVICE_KEY", ""),
        )

    async def caller(self, token: str) -> Caller:
        """The person or service behind a bearer token. Raises BadToken."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        caller = self._verified.get(digest)
        if caller is None and (service := self._service(digest)):
            return Caller(sub=service, role="service")
        caller = caller or await self._verify(token, digest)
        if self._clock() >= caller.expires_at + LEEWAY_S:
            raise BadToken("expired")
        if caller.session_id and caller.session_id in self.revoked:
            raise BadToken("session ended")
        return caller

    async def _verify(self, token: str, digest: str) -> Caller:
        """Once a token: the signature costs more than all the rest of a small request's checks."""
        kid = token_key_id(token)
        if kid not in self._keys:
            await self._refresh_keys()
        if kid not in self._keys:
            raise BadToken("unknown key")
        caller = verify(token, self._keys[kid])
        if len(self._verified) >= MOST_VERIFIED:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = caller
        return caller

    def _service(self, digest: str) -> str | None:
        for service, expected in self._service_keys.items():
            if hmac.compare_digest(digest, expected):
                return service
        return None

    async def _refresh_keys(self) -> None:
        async with self._refreshing:
            now = asyncio.get_running_loop().time()
            if not self._jwks_url or now - self._refreshed_at < POLL_S:
                return
            self._refreshed_at = now
            try:
                async with httpx.AsyncClient(timeout=3, trust_env=False) as client:
                    answer = await client.get(self._jwks_url)
                answer.raise_for_status()
                if len(answer.content) <= JWKS_LIMIT_BYTES:
                    self._keys |= keys_of(answer.json())
            except (httpx.HTTPError, ValueError) as error:
                log.warning("signing keys are not to be had: %s", type(error).__name__)
                raise unavailable() from error

    @asynccontextmanager
    async def following_revocations(self) -> AsyncIterator[None]:
        """Follows them beside an application."""
        following = asyncio.create_task(self.follow_revocations())
        try:
            yield
        finally:
            following.cancel()

    async def follow_revocations(self) -> None:
        """Polls intake's list of ended sessions every 5 s, for ever."""
        headers = {"Authorization": f"Bearer {self._own_service_key}"}
        url = f"{self._internal_url}/internal/v1/revocations"
        async with httpx.AsyncClient(timeout=3, trust_env=False, headers=headers) as client:
            while True:
                try:
                    answer = await client.get(url)
                    answer.raise_for_status()
                    self.revoked = set(answer.json()["sessions"])
                except (httpx.HTTPError, ValueError, KeyError) as error:
                    log.warning("revocations are not to be had: %s", type(error).__name__)
                await asyncio.sleep(POLL_S)


class RoleCheck:
    """A dependency that lets only these roles through and gives the caller.

    The token comes as a bearer, or else in a page's cookie.
    """

    def __init__(self, roles: Iterable[str]) -> None:
        self.roles = frozenset(roles)
        unknown = self.roles - set(ROLES) - {"public"}
        if unknown or not self.roles:
            raise ValueError(f"unknown roles: {sorted(unknown)}")

    async def __call__(self, request: Request) -> Caller | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme and (token := request.cookies.get(cookies.ACCESS, "")):
            if not cookies.from_our_own_page(request):
                if "public" in self.roles:
                    return None
                raise Problem(OTHER_SITE)
            scheme = "bearer"
        if not token and "public" in self.roles:
            return None
        if scheme.lower() != "bearer" or not token:
            raise Problem(UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
        try:
            caller = await request.app.state.auth.caller(token.strip())
        except BadToken as error:
            if "public" in self.roles:
                return None
            raise Problem(UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"}) from error
        assert isinstance(caller, Caller)
        if "public" not in self.roles and caller.role not in self.roles:
            raise Problem(FORBIDDEN)
        return caller


def allow(*roles: str) -> Any:
    """Declares who may call: `caller: Annotated[Caller, allow("reporter")]`, or "public"."""
    return Depends(RoleCheck(roles))


def roles_of(dependant: Dependant) -> frozenset[str]:
    """The roles that a route's dependencies declare."""
    found: frozenset[str] = frozenset()
    for each in dependant.dependencies:
        if isinstance(each.call, RoleCheck):
            found |= each.call.roles
        found |= roles_of(each)
    return found


def roles_by_operation(app: FastAPI) -> dict[str, frozenset[str]]:
    """Declared roles by `METHOD path`, of every route that the documents show."""
    declared: dict[str, frozenset[str]] = {}
    for context in iter_route_contexts(app.routes):
        dependant = getattr(context, "dependant", None)
        if dependant is None or not getattr(context, "include_in_schema", True):
            continue
        for method in sorted(context.methods or ()):
            declared[f"{method} {context.path_format}"] = roles_of(dependant)
    return declared


def check_roles(app: FastAPI) -> dict[str, frozenset[str]]:
    """Roles by `METHOD path`. Raises RuntimeError for a route that declares none or is unseen."""
    declared = roles_by_operation(app)
    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            if not declared.get(f"{method.upper()} {path}"):
                raise RuntimeError(f"{method.upper()} {path} declares no role")
    return declared
