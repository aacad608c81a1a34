"""A service's API as a process of its own."""

from __future__ import annotations

from collections.abc import Mapping

import uvicorn

from runtime import garbage
from runtime.auth import Auth
from runtime.http import ServiceApi, create_app
from runtime.probes import probes
from runtime.settings import Common


def serve(api: ServiceApi, common: Common, env: Mapping[str, str], port: int) -> None:
    """Until a signal; behind a gateway that keeps /internal to the services' network."""
    auth = Auth.from_env(env, api.service)
    lifespans = [api.lifespan]
    if common.internal_url:
        lifespans.append(auth.following_revocations)
    app = create_app(
        [api.public, probes(), *([api.internal] if api.internal is not None else [])],
        title=f"Yizhan {api.service}",
        auth=auth,
        local=common.mode == "local",
        lifespans=[*lifespans, garbage.settled],
    )
    uvicorn.run(
        app,
        host=common.host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        loop="uvloop",
    )
