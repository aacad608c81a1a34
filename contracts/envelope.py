"""CloudEvents 1.0 in Kafka's binary mode: an event to a record's bytes and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from contracts.facts import Event, Fact, InvalidEvent
from contracts.topics import TOPIC, TOPIC_OF

MAX_VALUE_BYTES = 256 * 1024
SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"

Headers = Sequence[tuple[str, bytes]]

_DECODERS: dict[type[Fact], msgspec.json.Decoder[Fact]] = {
    fact: msgspec.json.Decoder(fact) for fact in TOPIC_OF
}
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Record:
    """What goes to Kafka. `key` and `value` are bytes; headers are text."""

    topic: str
    key: bytes
    headers: dict[str, str]
    value: bytes


def source_of(service: str) -> str:
    """The CloudEvents `source` of a service."""
    return f"/yizhan/{service}"


def encode(event: Event) -> Record:
    """The record of an event; its topic follows from its type."""
    headers = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": str(event.event_id),
        "ce_source": source_of(event.source),
        "ce_type": event.type,
        "ce_subject": event.subject,
        "ce_time": event.occurred_at.isoformat(),
        "ce_seq": str(event.seq),
        "ce_correlationid": event.correlation_id,
        "content-type": CONTENT_TYPE,
    }
    headers |= {f"ce_{name}": value for name, value in event.body.extensions().items()}
    if event.traceparent:
        headers["traceparent"] = event.traceparent
    return Record(
        topic=TOPIC_OF[type(event.body)].name,
        key=event.body.key().encode(),
        headers=headers,
        value=_encode(event.body),
    )


def decode(topic: str, key: bytes | None, headers: Headers, value: bytes | None) -> Event:
    """The event in a record.

    Raises InvalidEvent with the reason for anything that is not a well-formed event of this
    topic: no value, too large, no or wrong headers, unknown type, wrong body, key not the body's.
    """
    if value is None:
        raise InvalidEvent("no value")
    if len(value) > MAX_VALUE_BYTES:
        raise InvalidEvent(f"value of {len(value)} bytes is over {MAX_VALUE_BYTES}")
    text = _text_headers(headers)
    fact = _fact_of(topic, text)
    try:
        body = _DECODERS[fact].decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"body: {error}") from error
    if key is None or key != body.key().encode():
        raise InvalidEvent("key is not the body's")
    return _event(topic, text, body)


def _text_headers(headers: Headers) -> dict[str, str]:
    try:
        return {name: value.decode() for name, value in headers}
    except (UnicodeDecodeError, AttributeError) as error:
        raise InvalidEvent("a header is not UTF-8") from error


def _fact_of(topic: str, headers: dict[str, str]) -> type[Fact]:
    type_name = headers.get("ce_type")
    for fact in TOPIC[topic].events:
        if fact.__name__ == type_name:
            return fact
    raise InvalidEvent(f"type {str(type_name)[:80]!r} does not stand on topic {topic}")


def _event(topic: str, headers: dict[str, str], body: Fact) -> Event:
    producer = TOPIC[topic].producer
    if headers.get("ce_source") != source_of(producer):
        raise InvalidEvent(f"source is not {source_of(producer)}")
    if headers.get("ce_specversion") != SPEC_VERSION:
        raise InvalidEvent(f"ce_specversion is not {SPEC_VERSION}")
    try:
        occurred_at = datetime.fromisoformat(headers["ce_time"])
        event = Event(
            event_id=UUID(headers["ce_id"]),
            source=producer,
            subject=headers["ce_subject"],
            seq=int(headers["ce_seq"]),
            occurred_at=occurred_at,
            correlation_id=headers["ce_correlationid"],
            body=body,
            traceparent=headers.get("traceparent"),
        )
    except KeyError as error:
        raise InvalidEvent(f"header {error} is missing") from error
    except ValueError as error:
        raise InvalidEvent(f"header: {error}") from error
    if occurred_at.tzinfo is None:
        raise InvalidEvent("ce_time has no offset")
    try:
        occurred_at.astimezone(UTC)
    except OverflowError as error:
        raise InvalidEvent("ce_time is beyond the calendar in UTC") from error
    return event
