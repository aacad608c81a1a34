"""The flow chart of the topics, from the registry that the code runs on."""

from __future__ import annotations

from contracts.topics import SERVICES, TOPICS, Topic

HEAD = """\
# Flow

Generated from `contracts/topics.py` by `python -m docs.generate`; do not edit.
Boxes are services, cylinders are topics. Every arrow into a service passes the guard
(`runtime/consume.py`), every arrow out of one passes the relay (`runtime/relay.py`).

"""


def page() -> str:
    """docs/flow.md: a Mermaid chart and the table behind it."""
    return HEAD + chart() + "\n" + table() + "\n" + events()


def chart() -> str:
    """Mermaid, left to right, services in the order of the flow."""
    lines = ["```mermaid", "flowchart LR", "  client([client]) -- POST --> intake"]
    lines += [f"  {service}[{service}]" for service in SERVICES]
    for topic in TOPICS:
        lines.append(f"  {topic.producer} --> t_{topic.name}[({topic.name})]")
        lines += [f"  t_{topic.name} --> {consumer}" for consumer in topic.consumers]
    return "\n".join([*lines, "```", ""])


def table() -> str:
    """One row a topic."""
    rows = [
        "| topic | key | producer | consumers | partitions | retention | segment |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| `{topic.name}` | {topic.key} | {topic.producer} | {', '.join(topic.consumers)} "
        f"| {topic.partitions} | {_hours(topic.retention_ms)} | {_hours(topic.segment_ms)} |"
        for topic in TOPICS
    ]
    return "\n".join([*rows, ""])


def events() -> str:
    """What each event says, by topic."""
    return "\n".join(_events_of(topic) for topic in TOPICS)


def _events_of(topic: Topic) -> str:
    rows = [f"## `{topic.name}`", "", "| event | meaning |", "| --- | --- |"]
    rows += [f"| {fact.__name__} | {_first_line(fact.__doc__)} |" for fact in topic.events]
    return "\n".join([*rows, ""])


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0].replace("|", "\\|")


def _hours(milliseconds: int) -> str:
    hours = milliseconds / 3_600_000
    return f"{hours / 24:g} d" if hours >= 24 else f"{hours:g} h"
