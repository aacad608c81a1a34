"""nginx as the one origin before the services' APIs; made from `contracts/paths.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from contracts.paths import OWNED_PATHS

API_PORT = 8000
SAME_PATH = re.compile(r"\A(?:(?P<verb>[A-Z]+) )?(?P<path>/.*)\Z")

HEAD = """\
# Generated from contracts/paths.py by `python -m docs.generate`; do not edit.
# One origin for clients. /internal/* is not here: services ask each other on their own network.
worker_processes auto;
error_log /dev/stderr warn;
pid /tmp/nginx.pid;

events {
  worker_connections 4096;
}

http {
  access_log off;
  server_tokens off;
  client_body_temp_path /tmp/client_body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;

  # Nine photos of 20 MB, one voice note, and the form round them; the APIs cut far earlier.
  client_max_body_size 200m;
  client_body_timeout 15s;
  client_header_timeout 10s;
  # A client asks for the state of a thousand requests in one URL.
  large_client_header_buffers 8 64k;
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header Connection "";
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_request_buffering off;
  proxy_buffering off;
  proxy_connect_timeout 3s;
  proxy_read_timeout 60s;
  resolver 127.0.0.11 valid=5s;
"""

TAIL = """
    location / {
      default_type "application/problem+json";
      return 404 '{"type":"/problems/not-found","title":"没有找到","status":404}';
    }
  }
}
"""


def document(services: Sequence[str]) -> str:
    """deploy/gateway/nginx.conf for these services."""
    parts = [HEAD, *_verbs(services), "\n  server {\n    listen 8080;\n"]
    parts.append("    location = /livez {\n      return 200;\n    }\n")
    parts += [_location(pattern, target) for pattern, target in _locations(services)]
    return "".join(parts) + TAIL


def _rows(services: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Service, verb (or an empty text), path."""
    for service in services:
        for row in OWNED_PATHS[service]:
            found = SAME_PATH.match(row)
            assert found is not None
            yield service, found["verb"] or "", found["path"]


def _locations(services: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Literal paths stand before parameters: nginx takes the first pattern that matches."""
    paths = {path for _, _, path in _rows(services)}
    for path in sorted(paths, key=_specificity):
        owners = {(service, verb) for service, verb, each in _rows(services) if each == path}
        shared = len({service for service, _ in owners}) > 1 or all(verb for _, verb in owners)
        target = f"$by_verb_{_name(path)}" if shared else next(iter(owners))[0]
        yield _pattern(path), target


def _verbs(services: Sequence[str]) -> Iterator[str]:
    """A map from the verb to the owner for each path that not every verb of belongs to one."""
    verbs: dict[str, dict[str, str]] = {}
    for service, verb, path in _rows(services):
        if verb:
            verbs.setdefault(path, {})[verb] = service
    for path, owners in sorted(verbs.items()):
        rows = "".join(
            f"    {verb} {service};\n"
            for verb, service in sorted(owners.items() | _head(owners).items())
        )
        fallback = next(iter(owners.values()))
        yield (
            f"\n  map $request_method $by_verb_{_name(path)} {{\n"
            f"    default {fallback};\n{rows}  }}\n"
        )


def _head(owners: dict[str, str]) -> dict[str, str]:
    return {"HEAD": owners["GET"]} if "GET" in owners else {}


def _specificity(path: str) -> list[tuple[int, str]]:
    ranks = {"{": 1, "*": 2}
    return [(ranks.get(part[:1], 0), part) for part in path.split("/")]


def _pattern(path: str) -> str:
    text = re.escape(path).replace(r"\*", ".+")
    return "^" + re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", text) + "$"


def _name(path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", path.lower()).strip("_")


def _location(pattern: str, target: str) -> str:
    return (
        f'    location ~ "{pattern}" {{\n'
        f"      set $service {target};\n"
        f"      proxy_pass http://$service-api:{API_PORT};\n"
        "    }\n"
    )
