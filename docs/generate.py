"""Writes every generated document; `python -m docs.generate [--check] [--break]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from contracts.topics import TOPICS
from deploy import compose, observe
from deploy.gateway import config as gateway
from deploy.grafana import dashboard
from docs import asyncapi, flow, metrics_page, openapi, schemas, states
from yizhan.environment import present_doors, present_services

ROOT = Path(__file__).resolve().parents[1]


def documents() -> dict[str, str]:
    """Path in the repository -> text, for all that is generated."""
    services, doors = present_services(), present_doors()
    return {
        "docker-compose.yml": compose.document(services, doors),
        "deploy/gateway/nginx.conf": gateway.document((*services, *doors)),
        "deploy/grafana/yizhan.json": dashboard.document(),
        **observe.documents(services, doors),
        "docs/flow.md": flow.page(),
        "docs/asyncapi.yaml": asyncapi.document(),
        "docs/metrics.md": metrics_page.page(),
        **states.documents(),
        **openapi.documents(),
        **schemas.documents(),
    }


def drift() -> list[str]:
    """Paths whose committed text differs from the generated one."""
    return [path for path, text in documents().items() if _committed(path) != text]


def broken_promises() -> list[str]:
    """What the event types no longer keep of the committed schemas."""
    found = []
    for topic in TOPICS:
        committed = _committed(f"contracts/schemas/{topic.name}.json")
        if committed:
            found += schemas.broken_promises(json.loads(committed), schemas.schema_of(topic))
    return found


def _committed(path: str) -> str:
    file = ROOT / path
    return file.read_text() if file.exists() else ""


def main(arguments: list[str]) -> int:
    """0 when all is written (or, with --check, up to date), 1 on a finding, 2 on wrong use."""
    if set(arguments) - {"--check", "--break"}:
        print(__doc__, file=sys.stderr)
        return 2
    broken = broken_promises()
    if broken and "--break" not in arguments:
        print("schemas only grow compatibly:", *broken, sep="\n  ", file=sys.stderr)
        return 1
    stale = drift()
    if "--check" in arguments:
        print(*(f"stale: {path}" for path in stale), sep="\n", file=sys.stderr)
        return 1 if stale else 0
    for path, text in documents().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
    print(*(f"wrote {path}" for path in stale), sep="\n", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
