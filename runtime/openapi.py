"""What the OpenAPI document says beside FastAPI's own: tokens, roles, limits of bodies."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from runtime.auth import roles_by_operation
from runtime.errors import documents
from runtime.requests import MOST_BYTES

SCHEME = "token"
VERBS = frozenset({"get", "post", "put", "patch", "delete"})


def schema(app: FastAPI, most_bytes: int) -> dict[str, Any]:
    """The document of all routes; `most_bytes` is the limit of bodies without one of their own."""
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    roles = roles_by_operation(app)
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            if verb in VERBS:
                name = f"{verb.upper()} {path}"
                _say_roles(operation, roles.get(name, frozenset()))
                if "requestBody" in operation:
                    operation.setdefault(MOST_BYTES, most_bytes)
                if verb != "get":
                    _say_body_problems(operation)
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        SCHEME: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    return document


def _say_roles(operation: dict[str, Any], roles: frozenset[str]) -> None:
    """Public routes take a token or none; all others name the roles that they let through."""
    operation["security"] = [{SCHEME: []}]
    if "public" in roles:
        operation["security"].insert(0, {})
    operation["x-roles"] = sorted(roles)


def _say_body_problems(operation: dict[str, Any]) -> None:
    """Any body may be too large or compressed, needed or not."""
    for status, response in documents(413, 415).items():
        operation["responses"].setdefault(str(status), response)
    operation["responses"] = dict(sorted(operation["responses"].items()))
