"""OpenAPI of each service, from the application it really serves, without its database."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from runtime.auth import Auth
from runtime.http import create_app

ROOT = Path(__file__).resolve().parents[1]


def services_with_api() -> list[str]:
    """The services that exist and serve HTTP."""
    return sorted(
        path.parent.name
        for path in (ROOT / "services").glob("*/bootstrap.py")
        if (path.parent / "api.py").exists() or (path.parent / "api").is_dir()
    )


def documents() -> dict[str, str]:
    """docs/openapi/<service>.json -> its text."""
    return {
        f"docs/openapi/{service}.json": json.dumps(schema_of(service), ensure_ascii=False, indent=1)
        + "\n"
        for service in services_with_api()
    }


def schema_of(service: str) -> dict[str, Any]:
    """The OpenAPI document of the public routes of one service, as it serves them."""
    routes = importlib.import_module(f"services.{service}.bootstrap").router_for_docs()
    app = create_app([routes], title=f"Yizhan {service}", auth=Auth(), local=False)
    return app.openapi()
