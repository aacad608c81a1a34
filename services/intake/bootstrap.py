"""Where intake's real parts are put together: the API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter

from cities.live import Live
from runtime.http import ServiceApi
from runtime.metrics import city_told
from runtime.settings import Common
from runtime.tokens import SigningKey
from services.intake.adapters.city import read_known
from services.intake.adapters.media_store import FolderMediaStore
from services.intake.api import Context, internal_router, public_router
from services.intake.settings import SERVICE, Own, Settings, Shared


def api(env: Mapping[str, str]) -> ServiceApi:
    """Raises SettingsError, CityError."""
    context = context_of(env)
    return ServiceApi(
        service=SERVICE,
        public=public_router(context),
        internal=internal_router(context),
        lifespan=context.open,
    )


def context_of(env: Mapping[str, str]) -> Context:
    """The API's parts, not opened yet."""
    settings = Settings.of(env)
    return Context(
        settings,
        Live(settings.common.city, read_known, city_told(SERVICE)),
        key=SigningKey.read(settings.key_file()),
        store=FolderMediaStore(settings.shared.media_dir),
    )


def router_for_docs() -> APIRouter:
    """The routes as OpenAPI shows them; nothing is connected to, no key is read."""
    common = Common(kafka="", city="xian")
    with TemporaryDirectory() as folder:
        shared = Shared(media_dir=Path(folder))
        context = Context(
            Settings(common=common, own=Own(database_url=""), shared=shared),
            Live(common.city, read_known, city_told(SERVICE)),
            key=SigningKey(Ed25519PrivateKey.generate()),
            store=FolderMediaStore(shared.media_dir),
        )
    return public_router(context)
