"""Tokens: a report's id in other letters, so that the door keeps nothing."""

from __future__ import annotations

import base64
import binascii
from uuid import UUID

LENGTH = 26


def token_of(report_id: str) -> str:
    """26 lower-case letters and digits."""
    return base64.b32encode(UUID(report_id).bytes).decode().rstrip("=").lower()


def report_of(token: str) -> UUID | None:
    """The report's id; None for what is no token of ours."""
    if len(token) != LENGTH or not token.isascii():
        return None
    try:
        found = UUID(bytes=base64.b32decode(token.upper() + "=" * 6))
    except (binascii.Error, ValueError):
        return None
    return found if token_of(str(found)) == token else None
