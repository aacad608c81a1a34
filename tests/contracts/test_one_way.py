"""Events flow one way: the registry says who writes and reads a topic, the code obeys."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from contracts.topics import FACT, SERVICES, TOPIC_OF, TOPICS, Topic, consumed_by
from tests.sourcecode import calls, name_of, service_folders, tree

each_service = pytest.mark.parametrize("folder", service_folders(), ids=lambda each: each.name)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_producer_stands_before_its_consumers(topic: Topic) -> None:
    producer = SERVICES.index(topic.producer)
    for consumer in topic.consumers:
        hears_itself = consumer == topic.producer == "intake"
        assert hears_itself or SERVICES.index(consumer) > producer


def test_an_event_stands_on_one_topic() -> None:
    assert sum(len(topic.events) for topic in TOPICS) == len(TOPIC_OF) == len(FACT)


def test_tracking_reads_all_and_writes_nothing() -> None:
    assert consumed_by("tracking") == TOPICS
    assert "tracking" not in {topic.producer for topic in TOPICS}


def made_in(folder: Path) -> set[str]:
    """Names of the facts that a service's code constructs."""
    return {
        name
        for path in folder.rglob("*.py")
        for call in calls(tree(path))
        if (name := name_of(call.func).split(".")[-1]) in FACT
    }


def heard_in(folder: Path) -> set[str]:
    """Names of the topics that a service's agents read: `guard.topic(app, name)`."""
    path = folder / "agents.py"
    if not path.exists():
        return set()
    return {
        argument.value
        for call in calls(tree(path))
        if name_of(call.func) == "guard.topic"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


@each_service
def test_a_service_makes_only_its_own_facts(folder: Path) -> None:
    foreign = {name for name in made_in(folder) if TOPIC_OF[FACT[name]].producer != folder.name}
    assert not foreign


@each_service
def test_a_service_reads_exactly_its_topics(folder: Path) -> None:
    if folder.name in SERVICES:
        assert heard_in(folder) == {topic.name for topic in consumed_by(folder.name)}
