"""The golden examples of the events, as records on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.envelope import decode
from contracts.facts import Event

EXAMPLES = Path(__file__).resolve().parents[1] / "contracts" / "examples"


@dataclass(frozen=True)
class Golden:
    """One example: `name` is `topic/Event/case`; `value` is the JSON body as data."""

    name: str
    topic: str
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: dict[str, Any]

    @property
    def wire(self) -> bytes:
        """The body's bytes as they go to Kafka: compact JSON in UTF-8."""
        return json.dumps(self.value, ensure_ascii=False, separators=(",", ":")).encode()

    def event(self) -> Event:
        """The decoded event; raises InvalidEvent."""
        return decode(self.topic, self.key, self.headers, self.wire)


def load(path: Path) -> Golden:
    """The example in a file."""
    data = json.loads(path.read_text())
    return Golden(
        name=path.relative_to(EXAMPLES).with_suffix("").as_posix(),
        topic=data["topic"],
        key=data["key"].encode(),
        headers=tuple((name, text.encode()) for name, text in data["headers"].items()),
        value=data["value"],
    )


def examples(*topics: str) -> list[Golden]:
    """All examples, or those of some topics, by name."""
    found = [load(path) for path in sorted(EXAMPLES.glob("*/*/*.json"))]
    return [each for each in found if not topics or each.topic in topics]
