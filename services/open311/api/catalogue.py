"""What can be asked for: discovery, services, definitions."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from runtime.errors import Problem
from services.open311.api.answers import (
    PREFIX,
    SERVICE,
    DoorRoute,
    Form,
    Jurisdiction,
    Visitor,
    answered,
    answers,
    documents,
    listed,
)
from services.open311.api.context import Context
from services.open311.domain import catalogue
from services.open311.domain.document import Document

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
CHANGESET = "2026-11-25 00:00"
FRESH = {"Cache-Control": "public, max-age=300"}


def router(context: Context) -> APIRouter:
    """GET discovery, services and services/{service_code}."""
    routes = APIRouter(prefix=PREFIX, route_class=DoorRoute, tags=["open311"])
    endpoint = {"type": "object", "required": ["changeset", "contact", "key_service", "endpoints"]}
    definition = {"type": "object", "required": ["service_code", "attributes"]}

    @routes.get(
        "/discovery.{form}",
        response_class=Response,
        responses=answers("Where this door is", endpoint) | documents(400, 404),
    )
    async def discovery(request: Request, form: Form, _: Visitor) -> Response:
        """Which specification is spoken where, and how to get a key."""
        return answered(Document("discovery", _discovery(context, request)), form, FRESH)

    @routes.get(
        "/services.{form}",
        response_class=Response,
        responses=answers("Services", listed("service_code", "service_name", "metadata"))
        | documents(400, 404),
    )
    async def services(
        request: Request, form: Form, _: Visitor, jurisdiction_id: Jurisdiction = ""
    ) -> Response:
        """Every category of the city."""
        context.check_jurisdiction(jurisdiction_id.strip())
        kind = "batch" if context.rules.tokens else "realtime"
        language = context.speech(request).language
        return answered(
            Document("services", catalogue.services(context.city, language, kind)), form, FRESH
        )

    @routes.get(
        "/services/{service_code}.{form}",
        response_class=Response,
        responses=answers("A service", definition) | documents(400, 404),
    )
    async def service(
        request: Request,
        service_code: str,
        form: Form,
        _: Visitor,
        jurisdiction_id: Jurisdiction = "",
    ) -> Response:
        """Its questions; none for a service without metadata."""
        context.check_jurisdiction(jurisdiction_id.strip())
        category = context.city.category(service_code)
        if category is None:
            raise Problem(SERVICE)
        language = context.speech(request).language
        told = catalogue.definition(category, language)
        return answered(Document("service_definition", told), form, FRESH)

    return routes


def _discovery(context: Context, request: Request) -> dict[str, object]:
    endpoint = {
        "specification": SPECIFICATION,
        "url": context.base(request),
        "changeset": CHANGESET,
        "type": "production",
        "formats": ["text/xml", "application/json"],
    }
    return {
        "changeset": CHANGESET,
        "contact": context.rules.contact,
        "key_service": context.rules.key_service,
        "endpoints": [endpoint],
    }
