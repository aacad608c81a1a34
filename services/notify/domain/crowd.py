"""Many who asked to hear of one case are told beside the stream, page by page: this is the way.

A batch of the stream tells a few at once. A whole district that listens would hold it up until
Kafka takes its partitions away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from contracts.cases import CaseFact
from contracts.envelope import decode, encode
from contracts.facts import Event

MOST_AT_ONCE = 20
"""So many subscribers of an event are told with its batch."""
PAGE = 200


def ref(event_id: UUID, after: str) -> str:
    """The page of an event behind that recipient: written once, however often it is asked for."""
    return f"{event_id}:{after}"


def payload(event: Event, after: str) -> dict[str, Any]:
    """The event without words and pictures of its people, and the last recipient told."""
    fact = event.body
    assert isinstance(fact, CaseFact)
    case = replace(fact.case, text=None, media=(), proof=())
    record = encode(replace(event, body=replace(fact, case=case, note=None)))
    return {
        "topic": record.topic,
        "key": record.key.decode(),
        "headers": record.headers,
        "value": record.value.decode(),
        "after": after,
    }


def event_in(stored: Mapping[str, Any]) -> Event:
    """The event of a payload."""
    headers = tuple((name, text.encode()) for name, text in stored["headers"].items())
    return decode(stored["topic"], stored["key"].encode(), headers, stored["value"].encode())
