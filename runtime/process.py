"""A service as a process: `python -m services.<name> api|worker`, until a signal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from ipaddress import ip_address

from runtime import logging as json_logging
from runtime.settings import Common, SettingsError, read, with_secret_files
from runtime.worker import run


def main(
    package: str | None,
    arguments: list[str],
    env: Mapping[str, str],
    *,
    port: int,
    wrong: type[Exception] = SettingsError,
) -> None:
    """Serves until a signal; `port` is the API's when YIZHAN_PORT is not set.

    The package (`services.<name>`) puts its API together in bootstrap.py and its worker in
    worker.py; only what is asked for is imported: a worker without FastAPI starts in half the time.
    Exit 2, with one line: wrong use, settings, or an error of the kind `wrong` (a city file).
    """
    assert package is not None
    service = package.rpartition(".")[2]
    json_logging.configure(service, env.get("YIZHAN_LOG_LEVEL", "INFO"))
    try:
        env = with_secret_files(env)
        if arguments == ["worker"]:
            _bound_safely(read(Common, env))
            run(import_module(f"{package}.worker").worker(env))
        elif arguments == ["api"]:
            common = read(Common, env)
            _bound_safely(common)
            serving = import_module("runtime.serving")
            api = import_module(f"{package}.bootstrap").api(env)
            serving.serve(api, common, env, int(env.get("YIZHAN_PORT", port)))
        else:
            raise SettingsError(f"usage: python -m {package} api|worker")
    except (SettingsError, wrong) as error:
        sys.stderr.write(f"{service}: {error}\n")
        sys.exit(2)


def _bound_safely(common: Common) -> None:
    """Local mode signs tokens for whoever owns the folder: it stays on the loopback."""
    if common.mode == "local" and not ip_address(common.host).is_loopback:
        raise SettingsError("YIZHAN_HOST: local mode binds to the loopback only")
