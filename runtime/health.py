"""/livez, /readyz and /metrics: a small server for workers (for APIs: probes.py)."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from runtime.metrics import REGISTRY

Problems = Callable[[], list[str]]


class HealthServer:
    """`alive` and `ready` give the reasons why not; an empty list is a yes."""

    def __init__(self, port: int, *, alive: Problems, ready: Problems, host: str = "127.0.0.1"):
        self._port = port
        self._host = host
        self._checks = {"/livez": alive, "/readyz": ready}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Binds. Raises OSError when the port is taken."""
        app = web.Application()
        app.router.add_get("/livez", self._check)
        app.router.add_get("/readyz", self._check)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """Unbinds."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _check(self, request: web.Request) -> web.Response:
        problems = self._checks[request.path]()
        return web.json_response({"problems": problems}, status=503 if problems else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=metrics_page(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def metrics_page() -> bytes:
    """The Prometheus text of this process."""
    return generate_latest(REGISTRY)
