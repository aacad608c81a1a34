"""Holds the edge's routes against the table of owners: no service serves another one's path."""

from __future__ import annotations

import re

from fastapi import APIRouter

from contracts.paths import OWNED_PATHS


def check_owner(service: str, router: APIRouter) -> None:
    """Raises RuntimeError for a public route that the table does not give to this service."""
    rows = [_row(row) for row in OWNED_PATHS.get(service, ())]
    for route in router.routes:
        path = _nameless(str(getattr(route, "path", "")))
        for method in getattr(route, "methods", None) or ():
            if not any(verb in ("", method) and rest.fullmatch(path) for verb, rest in rows):
                raise RuntimeError(f"{method} {path} is not {service}'s path (contracts/paths.py)")


def _row(text: str) -> tuple[str, re.Pattern[str]]:
    verb, _, path = text.rpartition(" ")
    return verb, re.compile(re.escape(_nameless(path)).replace(r"\*", ".*"))


def _nameless(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)
