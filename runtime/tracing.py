"""Trace context (W3C traceparent) and correlation id of what this task is doing."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def is_traceparent(text: str) -> bool:
    """Whether the text is a version 00 traceparent."""
    return _TRACEPARENT.fullmatch(text) is not None


def new_traceparent() -> str:
    """A fresh sampled trace."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def current_traceparent() -> str:
    """The trace of this task, or an empty text."""
    return traceparent.get()
