"""One answer in both of Open311's formats: plain data in, XML or JSON out."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Format = Literal["xml", "json"]

MEMBERS = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
    "media_urls": "media_url",
    "notes": "note",
}
"""The element of a list's members; JSON has none."""
MEDIA_TYPES: dict[Format, str] = {
    "xml": "text/xml; charset=utf-8",
    "json": "application/json; charset=utf-8",
}
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
# What XML 1.0 cannot say in any way.
UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Document:
    """`value` is a list or a dict of texts, numbers, booleans, None, lists and dicts."""

    root: str
    value: Any

    def encoded(self, form: Format) -> bytes:
        """A list is a bare array in JSON, and the root with its members in XML."""
        if form == "json":
            return msgspec.json.encode(self.value)
        return (HEAD + "".join(_element(self.root, self.value)) + "\n").encode()


def _element(name: str, value: Any) -> Iterator[str]:
    inner = "".join(_inside(name, value))
    yield f"<{name}>{inner}</{name}>" if inner else f"<{name}/>"


def _inside(name: str, value: Any) -> Iterator[str]:
    if value is None:
        return
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _element(key, each)
    elif isinstance(value, list):
        for each in value:
            yield from _element(MEMBERS[name], each)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    else:
        yield escaped(str(value))


def escaped(text: str) -> str:
    """A text as XML may have it."""
    spoken = UNSPEAKABLE.sub("", text)
    return html.escape(spoken, quote=False).replace("\r", "&#13;")
