"""Where intake's real parts are put together: the API and the worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter

from cities.areas import Areas, load_areas
from cities.cells import cell
from cities.load import load_city
from cities.phrases import load_phrases
from cities.staff import load_staff
from contracts.city import City, Phrases
from runtime.deadletters import Limits
from runtime.http import ServiceApi
from runtime.settings import Common
from runtime.tokens import SigningKey
from runtime.worker import WorkerPlan
from services.intake.adapters.media_store import FolderMediaStore
from services.intake.agents import declare
from services.intake.api import Context, internal_router, public_router
from services.intake.domain.gazetteer import Gazetteer
from services.intake.domain.report import Rules
from services.intake.domain.words import Words
from services.intake.handlers import Submissions
from services.intake.jobs import Jobs
from services.intake.settings import Own, Settings, Shared
from services.intake.timers import timers

SERVICE = "intake"


def rules_of(city: City, areas: Areas, phrases: Phrases) -> Rules:
    """The city as the domain asks it; learning its phrases takes a part of a second."""
    return Rules(
        city=city,
        inside=areas.inside_city,
        cell=lambda lat, lon: cell(lat, lon, city.h3_resolution),
        read=Words(phrases, city.aliases).candidates,
        hints=Gazetteer(areas.communities.values()).hints,
    )


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
    city = load_city(settings.common.city)
    areas = load_areas(settings.common.city)
    return Context(
        settings,
        city=city,
        areas=areas,
        rules=rules_of(city, areas, load_phrases(settings.common.city, city)),
        key=SigningKey.read(settings.key_file()),
        store=FolderMediaStore(settings.shared.media_dir),
        staff=load_staff(settings.common.city, city, areas),
    )


def router_for_docs() -> APIRouter:
    """The routes as OpenAPI shows them; nothing is connected to, no key is read."""
    common = Common(kafka="", city="xian")
    city, areas = load_city(common.city), load_areas(common.city)
    with TemporaryDirectory() as folder:
        shared = Shared(media_dir=Path(folder))
        context = Context(
            Settings(common=common, own=Own(database_url=""), shared=shared),
            city=city,
            areas=areas,
            rules=rules_of(city, areas, load_phrases(common.city, city)),
            key=SigningKey(Ed25519PrivateKey.generate()),
            store=FolderMediaStore(shared.media_dir),
            staff=load_staff(common.city, city, areas),
        )
    return public_router(context)


def worker(env: Mapping[str, str]) -> WorkerPlan:
    """Raises SettingsError, CityError."""
    settings = Settings.of(env)
    common = settings.common
    city = load_city(common.city)
    rules = rules_of(city, load_areas(common.city), load_phrases(common.city, city))
    store = FolderMediaStore(settings.shared.media_dir)
    transcriber = settings.transcriber()
    jobs = Jobs(store, rules, transcriber, speech_s=settings.own.speech_timeout_s)
    return WorkerPlan(
        service=SERVICE,
        database_url=settings.own.database_url,
        kafka=common.kafka,
        effects=[Submissions(rules, transcribes=transcriber is not None)],
        declare=declare,
        jobs=jobs.runners(),
        timers=timers(store),
        start=jobs.start,
        close=jobs.close,
        health_host=common.host,
        health_port=common.health_port,
        slot=common.slot,
        limits=Limits(max_ratio=common.dlq_max_ratio, max_in_row=common.dlq_max_in_row),
    )
