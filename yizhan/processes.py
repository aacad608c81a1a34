"""The product's own processes as the supervisor starts them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping

from yizhan.datafolder import ROOT
from yizhan.embedded.launch import wrapped
from yizhan.environment import Installation
from yizhan.ports import LOOPBACK
from yizhan.supervisor import Spec

READY_TIMEOUT_S = 2.0


def worker_spec(place: Installation, service: str) -> Spec:
    """A service's worker: guard, relay, jobs, timers."""
    module = [f"services.{service}", "worker"]
    return _spec(place, service, module, place.worker(service), place.health_ports[service])


def edge_spec(place: Installation) -> Spec:
    """Every service's API under one origin."""
    return _spec(place, "edge", ["yizhan.edge"], place.edge(), place.port)


def monitor_spec(place: Installation) -> Spec:
    """Lag, outbox depth and dead letters, measured from outside the workers."""
    port = place.health_ports["monitor"]
    return _spec(place, "monitor", ["yizhan.monitor"], place.monitor(), port)


def _spec(
    place: Installation, name: str, module: list[str], env: Mapping[str, str], port: int
) -> Spec:
    return Spec(
        name=name,
        argv=lambda: wrapped([sys.executable, "-m", *module]),
        ready=_answers(port),
        log=place.data.logs / f"{name}.log",
        env=env,
        cwd=ROOT,
        port=port,
    )


def _answers(port: int) -> Callable[[], Awaitable[bool]]:
    """Asks /readyz with a bare socket: an HTTP client costs more to make than the answer."""

    async def ready() -> bool:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(LOOPBACK, port)
                try:
                    writer.write(b"GET /readyz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False

    return ready
