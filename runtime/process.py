"""A service as a process: `python -m services.<name> api|worker`, until a signal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Protocol

import uvicorn

from runtime import logging as json_logging
from runtime.auth import Auth
from runtime.health import probes
from runtime.http import ServiceApi, create_app
from runtime.settings import Common, SettingsError, read, with_secret_files
from runtime.worker import WorkerPlan, run


class Bootstrap(Protocol):
    """A service's bootstrap.py: where its real parts are put together."""

    SERVICE: str

    def api(self, env: Mapping[str, str]) -> ServiceApi:
        """The routes and what they need."""

    def worker(self, env: Mapping[str, str]) -> WorkerPlan:
        """What the worker does."""


def main(
    bootstrap: Bootstrap,
    arguments: list[str],
    env: Mapping[str, str],
    *,
    port: int,
    wrong: type[Exception] = SettingsError,
) -> None:
    """Serves until a signal; `port` is the API's when YIZHAN_PORT is not set.

    Exit 2, with one line: wrong use, settings, or an error of the kind `wrong` (a city file).
    """
    service = bootstrap.SERVICE
    json_logging.configure(service, env.get("YIZHAN_LOG_LEVEL", "INFO"))
    try:
        env = with_secret_files(env)
        if arguments == ["worker"]:
            _bound_safely(read(Common, env))
            run(bootstrap.worker(env))
        elif arguments == ["api"]:
            _serve(bootstrap, env, port)
        else:
            raise SettingsError(f"usage: python -m services.{service} api|worker")
    except (SettingsError, wrong) as error:
        sys.stderr.write(f"{service}: {error}\n")
        sys.exit(2)


def _serve(bootstrap: Bootstrap, env: Mapping[str, str], port: int) -> None:
    """The API alone, behind a gateway that keeps /internal to the services' network."""
    common = read(Common, env)
    _bound_safely(common)
    api, auth = bootstrap.api(env), Auth.from_env(env, bootstrap.SERVICE)
    lifespans = [api.lifespan]
    if common.internal_url:
        lifespans.append(auth.following_revocations)
    app = create_app(
        [api.public, probes(), *([api.internal] if api.internal is not None else [])],
        title=f"Yizhan {bootstrap.SERVICE}",
        auth=auth,
        local=common.mode == "local",
        lifespans=lifespans,
    )
    uvicorn.run(
        app,
        host=common.host,
        port=int(env.get("YIZHAN_PORT", port)),
        log_config=None,
        access_log=False,
        server_header=False,
        loop="uvloop",
    )


def _bound_safely(common: Common) -> None:
    """Local mode signs tokens for whoever owns the folder: it stays on the loopback."""
    if common.mode == "local" and not ip_address(common.host).is_loopback:
        raise SettingsError("YIZHAN_HOST: local mode binds to the loopback only")
