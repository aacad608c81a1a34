"""Local mode's front door: every service's API in one process, under one origin.

The internal routes of the services listen on a port of their own, which clients never see.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping

import uvicorn
import uvloop
from fastapi import FastAPI

from runtime import garbage
from runtime import logging as json_logging
from runtime.auth import Auth
from runtime.http import ServiceApi, create_app
from runtime.probes import probes
from yizhan.environment import present_doors, present_services
from yizhan.owners import check_owner
from yizhan.ports import LOOPBACK

GRACE_S = 3
"""Open requests and live streams get this long at a stop (design.md: 4 s, SIGKILL at 5 s)."""


def main(env: Mapping[str, str]) -> None:
    """Serves until SIGTERM. Exit 2: local mode was not asked for."""
    json_logging.configure("edge", env.get("YIZHAN_LOG_LEVEL", "INFO"))
    if env.get("YIZHAN_MODE") != "local":
        sys.exit("the edge is for local mode: YIZHAN_MODE is not local")
    public, internal = build(env)
    uvloop.run(_serve(public, internal, env))


def build(env: Mapping[str, str]) -> tuple[FastAPI, FastAPI]:
    """The public and the internal application; the internal one opens what both need.

    Raises RuntimeError for a route out of place.
    """
    apis = [_api(service, env) for service in (*present_services(), *present_doors())]
    for api in apis:
        check_owner(api.service, api.public)
    auth = Auth.from_env(env, apis[-1].service if apis else "edge")
    public = create_app(
        [*(api.public for api in apis), probes()],
        title="Yizhan 驿站",
        auth=auth,
        local=True,
        lifespans=[auth.following_revocations, garbage.settled],
    )
    internal = create_app(
        [api.internal for api in apis if api.internal is not None],
        title="Yizhan, between services",
        auth=auth,
        local=True,
        lifespans=[api.lifespan for api in apis],
    )
    return public, internal


def _api(service: str, env: Mapping[str, str]) -> ServiceApi:
    module = importlib.import_module(f"services.{service}.bootstrap")
    api = module.api(env)
    assert isinstance(api, ServiceApi)
    return api


class _Server(uvicorn.Server):
    """Leaves the signals to us: two servers live in this process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(public: FastAPI, internal: FastAPI, env: Mapping[str, str]) -> None:
    """The internal server first, for the public one asks it; they stop the other way round."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with (
        _serving(internal, int(env["YIZHAN_INTERNAL_PORT"]), stop),
        _serving(public, int(env["YIZHAN_EDGE_PORT"]), stop),
    ):
        await stop.wait()


@contextlib.asynccontextmanager
async def _serving(app: FastAPI, port: int, stop: asyncio.Event) -> AsyncIterator[None]:
    """A server between its start and its end; its own end sets `stop`, a failed start exits 1."""
    server = _Server(uvicorn_config(app, port))
    task = asyncio.create_task(server.serve())
    task.add_done_callback(lambda _: stop.set())
    while not server.started:
        if task.done():
            sys.exit(1)
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


def uvicorn_config(app: FastAPI, port: int) -> uvicorn.Config:
    """How an application is served here; the loop is the caller's."""
    return uvicorn.Config(
        app,
        host=LOOPBACK,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )


if __name__ == "__main__":
    main(os.environ)
