"""Golden examples: every event type has one, and each says on the wire what its type says."""

from __future__ import annotations

import dataclasses
import re

import pytest

from contracts.envelope import encode
from contracts.facts import InvalidEvent, event_id
from contracts.topics import FACT, TOPIC, TOPIC_OF
from tests.golden import Golden, examples

ALL = examples()
CASE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
each_example = pytest.mark.parametrize("golden", ALL, ids=lambda golden: golden.name)


def test_every_event_has_an_example() -> None:
    assert {golden.name.split("/")[1] for golden in ALL} == set(FACT)


@each_example
def test_it_stands_where_its_type_stands(golden: Golden) -> None:
    topic, type_name, case = golden.name.split("/")
    assert type(golden.event().body) is FACT[type_name]
    assert TOPIC_OF[FACT[type_name]] is TOPIC[topic] and golden.topic == topic
    assert CASE_NAME.fullmatch(case)


@each_example
def test_it_comes_back_from_a_round_trip(golden: Golden) -> None:
    record = encode(golden.event())
    assert record.value == golden.wire
    assert record.key == golden.key
    assert tuple((name, text.encode()) for name, text in record.headers.items()) == golden.headers


@each_example
def test_its_id_is_the_one_that_a_re_run_makes(golden: Golden) -> None:
    event = golden.event()
    assert event.event_id == event_id(event.subject, event.type, event.seq)


@each_example
def test_a_field_from_the_future_is_ignored(golden: Golden) -> None:
    grown = dataclasses.replace(golden, value=golden.value | {"from_the_future": {"a": [1]}})
    assert grown.event() == golden.event()


@each_example
def test_a_body_without_a_required_field_is_refused(golden: Golden) -> None:
    first = next(iter(golden.value))
    rest = {name: value for name, value in golden.value.items() if name != first}
    with pytest.raises(InvalidEvent):
        dataclasses.replace(golden, value=rest).event()


def test_cases_count_up_without_gap() -> None:
    seqs: dict[str, list[int]] = {}
    for golden in examples("cases"):
        event = golden.event()
        assert event.subject == golden.value["case"]["id"]
        assert event.seq == golden.value["case"]["seq"]
        seqs.setdefault(event.subject, []).append(event.seq)
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in seqs.values())


def test_nothing_personal_stands_in_an_example() -> None:
    phone = re.compile(rb"(?<!\d)1[3-9]\d{9}(?!\d)")
    for golden in ALL:
        assert not phone.search(golden.wire), golden.name
        assert b"@" not in golden.wire, golden.name
