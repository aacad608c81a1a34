"""One POST to a receiver: its name resolved once, and connected to by the checked address."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

import httpx

from services.notify.domain.targets import (
    Address,
    Policy,
    RefusedTarget,
    Target,
    check_addresses,
    parse,
)

TIMEOUT_S = 5.0
MOST_REPLY_BYTES = 64 * 1024
RESOLVER_THREADS = 64
AGENT = "yizhan-webhooks/1"

Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]


@dataclass(frozen=True)
class Sent:
    """What came of one attempt: an HTTP status, or the reason why there is none."""

    status: int | None
    error: str | None
    outcome: str
    took_s: float
    after_s: float = 0.0

    @property
    def delivered(self) -> bool:
        """Any 2xx."""
        return self.status is not None and 200 <= self.status < 300


class SystemResolver:
    """The system's resolver, in threads of its own: a name server that hangs holds up few."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """All addresses, in the system's order; none for an unknown name."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except OSError:
            return []
        return list(dict.fromkeys(ip_address(str(each[4][0]).split("%")[0]) for each in found))

    def close(self) -> None:
        """Waits for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def resolve(url: str, policy: Policy, resolver: Resolver) -> tuple[Target, Address]:
    """The target and the address to connect to. Raises RefusedTarget with the reason."""
    target = parse(url, policy)
    literal = target.literal
    addresses = [literal] if literal else await resolver(target.host, target.port)
    check_addresses(target, addresses, policy)
    return target, addresses[0]


class Sender:
    """Sends with one TLS context; every send has a connection of its own."""

    def __init__(
        self,
        policy: Policy,
        resolver: Resolver,
        *,
        timeout_s: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            verify=tls or ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Ends open connections."""
        await self._client.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """One attempt within the timeout. Never raises for what the receiver does."""
        started = time.perf_counter()
        answers: list[httpx.Response] = []
        error: str | None = None
        outcome = "error"
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._send(url, headers, body, answers)
        except RefusedTarget as refused:
            error, outcome = f"refused: {refused.en}", "refused"
        except (TimeoutError, httpx.TimeoutException):
            error, outcome = f"no answer within {self._timeout_s:g} s", "timeout"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError) as failure:
            error = type(failure).__name__
        took_s = time.perf_counter() - started
        if not answers:
            return Sent(None, error, outcome, took_s)
        # The status decides; a reply that is long or slow takes nothing back.
        answer = answers[0]
        if answer.is_success:
            return Sent(answer.status_code, None, "delivered", took_s)
        return Sent(
            answer.status_code,
            f"status {answer.status_code}",
            "refused",
            took_s,
            _retry_after_s(answer.headers.get("retry-after", "")),
        )

    async def _send(
        self, url: str, headers: Mapping[str, str], body: bytes, answers: list[httpx.Response]
    ) -> None:
        target, address = await resolve(url, self._policy, self._resolver)
        host = f"[{address}]" if address.version == 6 else str(address)
        request = self._client.build_request(
            "POST",
            f"{target.scheme}://{host}:{target.port}{target.path}",
            content=body,
            headers={
                **headers,
                "Host": target.authority,
                "Content-Type": "application/json",
                "User-Agent": AGENT,
                "Accept-Encoding": "identity",
            },
            extensions={"sni_hostname": target.host, "timeout": self._client.timeout.as_dict()},
        )
        answer = await self._client.send(request, stream=True)
        answers.append(answer)
        try:
            size = 0
            with suppress(httpx.HTTPError):
                async for chunk in answer.aiter_raw(16 * 1024):
                    size += len(chunk)
                    if size > MOST_REPLY_BYTES:
                        break
        finally:
            await answer.aclose()


def _retry_after_s(header: str) -> float:
    """Seconds to wait by a Retry-After header; 0 without a usable one."""
    if header.isascii() and header.isdigit() and len(header) < 8:
        return float(header)
    with suppress(ValueError, TypeError):
        at = parsedate_to_datetime(header)
        if at.tzinfo is not None:
            return max(0.0, (at - datetime.now(UTC)).total_seconds())
    return 0.0
