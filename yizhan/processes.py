"""The product's own processes as the supervisor starts them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping

import httpx

from yizhan.datafolder import ROOT
from yizhan.embedded.launch import wrapped
from yizhan.environment import Installation
from yizhan.ports import LOOPBACK
from yizhan.supervisor import Spec


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
        ready=_answers(f"http://{LOOPBACK}:{port}/readyz"),
        log=place.data.logs / f"{name}.log",
        env=env,
        cwd=ROOT,
        port=port,
    )


def _answers(url: str) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
                return (await client.get(url)).status_code == 200
        except httpx.HTTPError:
            return False

    return ready
