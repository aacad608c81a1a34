"""`python -m services.tracking api|worker`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import uvicorn

from cities.load import CityError
from runtime import logging as json_logging
from runtime.auth import Auth
from runtime.http import create_app
from runtime.settings import SettingsError
from runtime.worker import run
from services.tracking import bootstrap
from services.tracking.bootstrap import SERVICE

LOOPBACK = "127.0.0.1"


def main(arguments: list[str], env: Mapping[str, str]) -> None:
    """Serves until a signal. Exit 2: wrong use, settings or city file."""
    json_logging.configure(SERVICE, env.get("YIZHAN_LOG_LEVEL", "INFO"))
    try:
        if arguments == ["worker"]:
            run(bootstrap.worker(env))
        elif arguments == ["api"]:
            _serve(env)
        else:
            sys.exit(_wrong("usage: python -m services.tracking api|worker"))
    except (SettingsError, CityError) as error:
        sys.exit(_wrong(str(error)))


def _serve(env: Mapping[str, str]) -> None:
    """The API alone, behind a gateway that keeps /internal to the services' network."""
    api = bootstrap.api(env)
    routers = [api.public] if api.internal is None else [api.public, api.internal]
    app = create_app(
        routers,
        title="Yizhan tracking",
        auth=Auth.from_env(env, SERVICE),
        local=env.get("YIZHAN_MODE") == "local",
        lifespans=[api.lifespan],
    )
    host, port = env.get("YIZHAN_HOST", LOOPBACK), int(env.get("YIZHAN_PORT", "8005"))
    uvicorn.run(app, host=host, port=port, log_config=None, access_log=False, loop="uvloop")


def _wrong(reason: str) -> int:
    sys.stderr.write(f"tracking: {reason}\n")
    return 2


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
