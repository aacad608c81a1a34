"""Every topic on one page, in flow order: who writes it, who reads it, what stands on it."""

from __future__ import annotations

from dataclasses import dataclass

from contracts import cases, credits, notices, observers, reports, submissions
from contracts.facts import Fact

SERVICES = ("intake", "dispatch", "rewards", "notify", "tracking")
"""In flow order. A topic's producer stands before its consumers."""

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Topic:
    """A Kafka topic as it is declared. `key` is said in words; the facts know it (`Fact.key`)."""

    name: str
    key: str
    producer: str
    consumers: tuple[str, ...]
    events: tuple[type[Fact], ...]
    partitions: int = 8
    retention_ms: int = 7 * DAY_MS
    segment_ms: int = DAY_MS // 2


TOPICS: tuple[Topic, ...] = (
    Topic(
        name="observers",
        key="reporter id",
        producer="intake",
        consumers=("dispatch", "rewards", "notify", "tracking"),
        events=observers.EVENTS,
    ),
    Topic(
        name="submissions",
        key="report id",
        producer="intake",
        consumers=("intake", "tracking"),
        events=submissions.EVENTS,
    ),
    Topic(
        name="reports",
        key="place cell, or report id when there is no place",
        producer="intake",
        consumers=("dispatch", "notify", "tracking"),
        events=reports.EVENTS,
    ),
    Topic(
        name="cases",
        key="case id",
        producer="dispatch",
        consumers=("rewards", "notify", "tracking"),
        events=cases.EVENTS,
    ),
    Topic(
        name="credits",
        key="reporter id",
        producer="rewards",
        consumers=("notify", "tracking"),
        events=credits.EVENTS,
    ),
    Topic(
        name="notices",
        key="recipient id",
        producer="notify",
        consumers=("tracking",),
        events=notices.EVENTS,
    ),
)

TOPIC = {topic.name: topic for topic in TOPICS}
TOPIC_OF = {fact: topic for topic in TOPICS for fact in topic.events}
FACT = {fact.__name__: fact for fact in TOPIC_OF}


def consumed_by(service: str) -> tuple[Topic, ...]:
    """The topics that a service reads, in flow order."""
    return tuple(topic for topic in TOPICS if service in topic.consumers)
