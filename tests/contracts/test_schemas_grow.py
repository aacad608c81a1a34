"""Schemas only grow compatibly: an old event stays readable, an old reader keeps working."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from contracts.topics import TOPICS, Topic
from docs.schemas import broken_promises, schema_of
from tests.sourcecode import ROOT

each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


def path_of(topic: Topic) -> str:
    return f"contracts/schemas/{topic.name}.json"


@each_topic
def test_today_keeps_what_was_committed(topic: Topic) -> None:
    committed = json.loads((ROOT / path_of(topic)).read_text())
    assert broken_promises(committed, schema_of(topic)) == []


@each_topic
def test_today_keeps_what_the_last_release_said(topic: Topic) -> None:
    git = ["git", "-C", str(ROOT)]
    tag = subprocess.run(
        [*git, "describe", "--tags", "--abbrev=0"], capture_output=True, text=True, check=False
    ).stdout.strip()
    shown = subprocess.run(
        [*git, "show", f"{tag or 'HEAD'}:{path_of(topic)}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode == 0:
        assert broken_promises(json.loads(shown.stdout), schema_of(topic)) == []


def submitted(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"]["ReportSubmitted"]
    return found


def lose_field(schema: dict[str, Any]) -> None:
    del submitted(schema)["properties"]["text"]


def demand_field(schema: dict[str, Any]) -> None:
    submitted(schema)["required"].append("text")


def demand_new_field(schema: dict[str, Any]) -> None:
    submitted(schema)["properties"]["district"] = {"type": "string"}
    submitted(schema)["required"].append("district")


def stop_giving(schema: dict[str, Any]) -> None:
    submitted(schema)["required"].remove("code")


def lose_event(schema: dict[str, Any]) -> None:
    schema["events"].clear()


def lose_null(schema: dict[str, Any]) -> None:
    submitted(schema)["properties"]["text"] = {"type": "string"}


def lose_choice(schema: dict[str, Any]) -> None:
    schema["$defs"]["SentPlace"]["properties"]["crs"]["enum"].remove("bd09")


def change_type(schema: dict[str, Any]) -> None:
    submitted(schema)["properties"]["language"]["type"] = "integer"


def shorten(schema: dict[str, Any]) -> None:
    submitted(schema)["properties"]["language"]["maxLength"] = 2


def change_items(schema: dict[str, Any]) -> None:
    submitted(schema)["properties"]["media"]["items"] = {"type": "string"}


def add_optional_field(schema: dict[str, Any]) -> None:
    submitted(schema)["properties"]["district"] = {"type": "string", "default": ""}


def add_choice(schema: dict[str, Any]) -> None:
    schema["$defs"]["SentPlace"]["properties"]["crs"]["enum"].append("cgcs2000")


def take_null(schema: dict[str, Any]) -> None:
    submitted(schema)["properties"]["language"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


BREAKING = [
    lose_field,
    demand_field,
    demand_new_field,
    stop_giving,
    lose_event,
    lose_null,
    lose_choice,
    change_type,
    shorten,
    change_items,
]
GROWING = [add_optional_field, add_choice, take_null]


@pytest.mark.parametrize("change", BREAKING, ids=lambda change: change.__name__)
def test_a_breaking_change_is_seen(change: Callable[[dict[str, Any]], None]) -> None:
    old = schema_of(TOPICS[1])
    new = copy.deepcopy(old)
    change(new)
    assert broken_promises(old, new)


@pytest.mark.parametrize("change", GROWING, ids=lambda change: change.__name__)
def test_growth_is_allowed(change: Callable[[dict[str, Any]], None]) -> None:
    old = schema_of(TOPICS[1])
    new = copy.deepcopy(old)
    change(new)
    assert broken_promises(old, new) == []
