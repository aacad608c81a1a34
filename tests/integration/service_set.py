"""One service on a real PostgreSQL: its environment, and its outbox rows as Kafka has them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contracts.envelope import decode, encode
from contracts.facts import Event
from runtime.deadletters import Message
from yizhan import database
from yizhan.datafolder import DataFolder
from yizhan.embedded.postgres import Postgres
from yizhan.environment import database_place, database_url

NOWHERE = "127.0.0.1:9"
OFFSETS = itertools.count()
Environment = Mapping[str, str]


@contextmanager
def installation(
    path: Path, service: str, **more: str
) -> Iterator[tuple[dict[str, str], Postgres]]:
    """PostgreSQL with the service's schema: the environment that it is told, with `more`; the
    server, to kill it."""
    data = DataFolder(path)
    data.make()
    server = Postgres(data.postgres)
    server.start()
    try:
        admin = server.admin_url
        database.make(admin, [service], data)
        database.migrate(admin, [service], data)
        url = database_url(database_place(admin), service, data)
        told = {
            "YIZHAN_MODE": "local",
            "YIZHAN_KAFKA": NOWHERE,
            "YIZHAN_CITY": "xian",
            "YIZHAN_MEDIA_DIR": str(data.media),
            "YIZHAN_SIGNING_KEY_FILE": str(data.secrets.signing_key_file),
            f"YIZHAN_{service.upper()}_DATABASE_URL": url,
        }
        yield told | more, server
    finally:
        server.stop()


def message(event: Event) -> Message:
    """The Kafka record of an event."""
    record = encode(event)
    headers = tuple((name, text.encode()) for name, text in record.headers.items())
    return Message(record.topic, 0, next(OFFSETS), record.key, headers, record.value)


def message_of(row: Any) -> Message:
    """An outbox row as Kafka gives it back."""
    headers = tuple((name, text.encode()) for name, text in row["headers"].items())
    return Message(row["topic"], 0, next(OFFSETS), row["key"], headers, row["value"])


def events_of(rows: Iterable[Any]) -> list[Event]:
    """The events in outbox rows."""
    messages = [message_of(row) for row in rows]
    return [decode(each.topic, each.key, each.headers, each.value) for each in messages]
