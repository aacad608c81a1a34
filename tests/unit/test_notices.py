"""Who hears what, in which words, at which hours, and what machines are told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import cos, radians, sin
from typing import Any
from uuid import uuid4

import pytest

from cities.load import load_city
from cities.notices import load_notices
from contracts.cases import (
    CaseAccepted,
    CaseAssigned,
    CaseClosed,
    CaseCommented,
    CaseDisputed,
    CaseEscalated,
    CaseOpened,
    CaseRefused,
    CaseResolved,
    CaseReturned,
    QuestionAsked,
    ReportJoined,
)
from contracts.credits import PointsCredited, PointsRedeemed
from contracts.facts import Actor, Fact, InvalidEvent
from contracts.notice_table import LANGUAGES, PLACEHOLDERS
from contracts.observers import ObserverConfirmed, ObserverRegistered
from contracts.reports import PlaceAsked, ReportRefused
from contracts.topics import TOPIC
from services.notify.domain.batch import check_id, notice_id
from services.notify.domain.quiet import Preferences, is_quiet
from services.notify.domain.subscribing import Circle, Subscribed, divisions_of
from services.notify.domain.telling import asks, told
from services.notify.domain.webhooks import Filter, payload
from services.notify.domain.words import filled, words_of
from tests.golden import Golden, examples
from tests.notify_facts import COMMUNITY, about, case, event

XIAN = load_city("xian")
TABLE = load_notices("xian")
OWN = f"community:{COMMUNITY}"
NOBODYS = case(community=None, state="opened")
CREDIT: dict[str, Any] = {
    "reporter_id": "r-1",
    "subject_id": "c-1",
    "reason": "first",
    "round": 1,
    "points": 10,
    "balance": 30,
}
BY = Actor("handler", "h-1")
OBSERVER: dict[str, Any] = {
    "reporter_id": "r-1",
    "by": BY,
    "registration_id": "g-1",
    "community": COMMUNITY,
}

GOLDEN: list[tuple[Fact, str, str, str, str, str]] = [
    # fact, who hears it, title and body in Chinese, title and body in English
    (
        about(CaseOpened, report_id="report-of-r-1"),
        "r-1",
        "已立案",
        "感谢您的上报，案件 YZ26-7K3M（垃圾站（箱）满溢）已立案，进展会在这里告诉您。",
        "Case opened",
        "Thank you. Case YZ26-7K3M (Overflowing bin) is open; you will hear here how it goes on.",
    ),
    (
        about(CaseAccepted),
        "r-1",
        "已受理",
        "案件 YZ26-7K3M 已由{community}受理，计划在 11月24日 13:30 前办结。",
        "Accepted",
        "{community} has taken on case YZ26-7K3M; it should be fixed by 2026-11-24 13:30.",
    ),
    (
        about(CaseRefused, case(refusal="nothing-there"), reason="nothing-there"),
        "r-1",
        "不予立案",
        "案件 YZ26-7K3M 不予立案：现场未发现问题。",
        "Not taken on",
        "Case YZ26-7K3M was not taken on: Nothing was found on site.",
    ),
    (
        about(QuestionAsked, note="哪个路口？", question_id="q-1"),
        "r-1",
        "处理人员有一个问题",
        "关于案件 YZ26-7K3M：哪个路口？",
        "A question for you",
        "About case YZ26-7K3M: 哪个路口？",
    ),
    (
        about(CaseAssigned),
        OWN,
        "新案件",
        "案件 YZ26-7K3M（垃圾站（箱）满溢），请在 11月24日 10:00 前受理。",
        "New case",
        "Case YZ26-7K3M (Overflowing bin): accept it by 2026-11-24 10:00.",
    ),
    (
        PlaceAsked(report_id="p", reporter_id="r-9", code="YZ26-AAAA"),
        "r-9",
        "请补充位置",
        "上报 YZ26-AAAA 没有位置信息，请告诉我们在哪里，我们才能处理。",
        "Where is it?",
        "Report YZ26-AAAA came without a place. "
        "Tell us where it is so that somebody can act on it.",
    ),
    (
        ReportRefused(report_id="p", reporter_id="r-9", code="YZ26-AAAA", reason="outside-city"),
        "r-9",
        "上报未受理",
        "上报 YZ26-AAAA 未受理：地点不在本市范围内。",
        "Report not taken on",
        "Report YZ26-AAAA was not taken on: The place is outside the city.",
    ),
    (
        PointsCredited(**CREDIT),
        "r-1",
        "获得 10 积分",
        "您获得 10 积分，当前余额 30。",
        "10 points",
        "You earned 10 points; your balance is 30.",
    ),
    (
        PointsRedeemed(**CREDIT | {"points": -20}, voucher="V-77"),
        "r-1",
        "兑换成功",
        "已用 20 积分兑换礼券 V-77，当前余额 30。",
        "Voucher",
        "20 points became voucher V-77; your balance is 30.",
    ),
    (
        ObserverConfirmed(**OBSERVER),
        "r-1",
        "报到备案成功",
        "{community}已确认您的报到备案。",
        "Registered",
        "{community} confirmed your registration.",
    ),
]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: type(golden[0]).__name__)
def test_golden_texts(golden: tuple[Fact, str, str, str, str, str]) -> None:
    fact, who, *expected = golden
    texts = filled(told(TABLE, fact)[who], fact, XIAN)
    found = [texts["zh-CN"].title, texts["zh-CN"].body, texts["en"].title, texts["en"].body]
    name = XIAN.divisions[COMMUNITY].name
    assert found == [each.replace("{community}", name) for each in expected]


HEARERS: list[tuple[Fact, set[str]]] = [
    (about(CaseOpened, NOBODYS, report_id="x", reason="no-community"), {"r-1", "operators"}),
    (about(CaseAssigned), {OWN}),
    (about(CaseAssigned, case(department="sanitation")), {OWN, "department:sanitation"}),
    (about(CaseClosed, case(reporters=("a", "b", "c", "b"))), {"a", "b", "c"}),
    (
        about(ReportJoined, case(reporters=("a", "b")), report_id="report-of-b"),
        {"b"},
    ),
    (about(CaseReturned, NOBODYS), {"operators"}),
    (about(CaseReturned), {OWN}),
    (about(CaseDisputed), {OWN, "operators"}),
    (
        about(CaseEscalated, case(watchers=("610113001",)), to="street"),
        {"community:610113001", OWN},
    ),
    (about(CaseCommented, note="x"), set()),
    (ObserverRegistered(**OBSERVER, registered_at=datetime.now(UTC)), {OWN}),
]


@pytest.mark.parametrize(("fact", "hearers"), HEARERS, ids=lambda x: type(x).__name__)
def test_who_hears(fact: Fact, hearers: set[str]) -> None:
    assert set(told(TABLE, fact)) == hearers


ASKED = Subscribed(followers={"f"}, subscribers={"f", "s", "r-1"})
NEW = CaseAssigned(case=case(), by=Actor("system", "system"))
ASKERS: list[tuple[Fact, set[str]]] = [
    (NEW, {"f", "s"}),
    (about(CaseAssigned), set()),  # found an owner again: not new
    (CaseAssigned(case=case(round=2), by=Actor("system", "system")), set()),
    (about(CaseOpened, report_id="x"), set()),
    (about(CaseOpened, NOBODYS, report_id="x", reason="no-community"), {"f", "s"}),
    (about(CaseAccepted), {"f"}),
    (about(CaseClosed), {"f", "s"}),
    (about(CaseRefused, reason="nothing-there"), {"f", "s"}),
    (about(CaseCommented, note="x"), set()),
    (PointsCredited(**CREDIT), set()),
]


@pytest.mark.parametrize(("fact", "hearers"), ASKERS, ids=lambda x: type(x).__name__)
def test_who_asked_hears_of_new_and_ended_cases(fact: Fact, hearers: set[str]) -> None:
    without = told(TABLE, fact)
    assert set(told(TABLE, fact, ASKED)) - set(without) == hearers
    assert asks(TABLE, fact) == bool(hearers)
    assert "r-1" not in without or told(TABLE, fact, ASKED)["r-1"] == without["r-1"]


def test_golden_texts_for_those_who_asked() -> None:
    texts = filled(told(TABLE, NEW, ASKED)["s"], NEW, XIAN)
    name = XIAN.divisions[COMMUNITY].name
    assert texts["zh-CN"].title == "您关注的范围内有新案件"
    assert texts["zh-CN"].body == (
        f"案件 YZ26-7K3M（垃圾站（箱）满溢）已立案，由{name}负责，位置约 34.2241, 108.9466。"
    )
    assert texts["en"].title == "A new case where you asked"
    assert texts["en"].body == (
        f"Case YZ26-7K3M (Overflowing bin) is open near 34.2241, 108.9466; {name} is responsible."
    )


@pytest.mark.parametrize(
    ("community", "divisions"),
    [
        (None, ()),
        ("610113001002", ("610113001002", "610113001000", "610113000000")),
        ("610113001", ("610113001000", "610113000000")),
    ],
)
def test_divisions_of_an_owner(community: str | None, divisions: tuple[str, ...]) -> None:
    assert divisions_of(community) == divisions


def test_a_circles_box_holds_the_circle() -> None:
    for lat in (-89.999, -34.0, 0.0, 34.2, 60.0):
        circle = Circle(lat, 108.9, 5000)
        west, south, east, north = circle.box()
        for turn in range(360):
            up, right = 4995 * sin(radians(turn)), 4995 * cos(radians(turn))
            at = lat + up / 111_195, 108.9 + right / (111_195 * max(cos(radians(lat)), 1e-9))
            if circle.holds(*at) and abs(at[0]) < 89:
                assert south <= at[0] <= north and west <= at[1] <= east


def test_the_first_row_that_names_a_recipient_tells_it() -> None:
    rows = told(TABLE, about(CaseResolved, case(reporters=("first", "second"))))
    assert rows["first"].texts["zh-CN"].title == "已处理，请确认"
    assert rows["second"].texts["zh-CN"].title == "已处理"
    dangerous = told(TABLE, about(CaseAssigned, case(dangerous=True)))[OWN]
    assert dangerous.urgent and "危险" in dangerous.texts["zh-CN"].title


def test_every_placeholder_of_a_topic_has_a_word() -> None:
    facts: dict[str, list[Fact]] = {
        "cases": [about(CaseAssigned), about(CaseRefused, NOBODYS)],
        "reports": [GOLDEN[5][0], GOLDEN[6][0]],
        "credits": [PointsCredited(**CREDIT)],
        "observers": [ObserverConfirmed(**OBSERVER)],
    }
    assert set(facts) == set(PLACEHOLDERS)
    for topic, some in facts.items():
        for fact in some:
            assert type(fact) in TOPIC[topic].events
            for language in LANGUAGES:
                assert set(words_of(fact, XIAN, language)) == PLACEHOLDERS[topic]


def test_braces_in_what_people_wrote_are_only_text() -> None:
    fact = about(QuestionAsked, note="{code} {0.__class__} {", question_id="q")
    texts = filled(told(TABLE, fact)["r-1"], fact, XIAN)
    assert texts["en"].body == "About case YZ26-7K3M: {code} {0.__class__} {"


@pytest.mark.parametrize(
    ("start", "end", "utc", "quiet"),
    [
        ("22:00", "07:00", "14:00", True),
        ("22:00", "07:00", "13:59", False),
        ("22:00", "07:00", "22:59", True),
        ("22:00", "07:00", "23:00", False),
        ("12:00", "14:00", "05:00", True),
        ("12:00", "14:00", "06:00", False),
    ],
)
def test_quiet_hours_are_the_citys(start: str, end: str, utc: str, quiet: bool) -> None:
    def minutes(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    wanted = Preferences(quiet_from=minutes(start), quiet_until=minutes(end))
    at = datetime.fromisoformat(f"2026-11-24T{utc}:00+00:00")
    assert is_quiet(wanted, at, "Asia/Shanghai") is quiet
    assert not is_quiet(Preferences(), at, "Asia/Shanghai")


def test_a_machine_is_told_facts_and_no_person() -> None:
    told_case = case(
        reporters=("reporter-a", "reporter-b"),
        dangerous=True,
        watchers=("610113001",),
        refusal="nothing-there",
    )
    found = event(about(CaseRefused, told_case, reason="nothing-there", note="张三不在家"))
    body = payload(found)
    for secret in ("reporter-a", "report-of", "张三", "h-1", "34.2245", "108.947"):
        assert secret not in body.replace("108.9470", "") or secret == "108.947"
    data = json.loads(body)
    assert (data["specversion"], data["type"]) == ("1.0", "CaseRefused")
    assert (data["id"], data["subject"]) == (str(found.event_id), told_case.id)
    assert data["data"]["case"]["report_count"] == 2
    assert data["data"]["by"] == {"role": "handler"}
    assert data["data"]["case"]["place"]["accuracy_m"] == 100
    assert data["data"]["case"]["place"]["lat"] != told_case.place.lat


@pytest.mark.parametrize(
    ("wanted", "hears"),
    [
        ({}, True),
        ({"event_types": ("CaseAssigned",)}, True),
        ({"event_types": ("CaseClosed",)}, False),
        ({"communities": (COMMUNITY,)}, True),
        ({"communities": ("610113001005",)}, False),
        ({"categories": ("06042",)}, True),
        ({"categories": ("01037",)}, False),
        ({"communities": (COMMUNITY,), "categories": ("01037",)}, False),
    ],
)
def test_filters(wanted: dict[str, tuple[str, ...]], hears: bool) -> None:
    filter_ = Filter(webhook_id=uuid4(), **wanted)
    assert filter_.wants(about(CaseAssigned), "06042") is hears


def test_a_recipients_id_names_a_feed() -> None:
    for bad in ("", "a b", "a\n", "x" * 101, "張三"):
        with pytest.raises(InvalidEvent):
            check_id(bad)
    check_id("community:610113001002")


def test_the_business_key_is_an_id() -> None:
    event_id = uuid4()
    same = notice_id(event_id, "r", "inbox")
    assert same == notice_id(event_id, "r", "inbox")
    assert len({same, notice_id(event_id, "q", "inbox"), notice_id(event_id, "r", "webhook")}) == 3


@pytest.mark.parametrize(
    "golden", examples("observers", "reports", "cases", "credits"), ids=lambda each: each.name
)
def test_every_golden_event_is_told_in_whole_sentences(golden: Golden) -> None:
    found = golden.event()
    for recipient, row in told(TABLE, found.body).items():
        check_id(recipient)
        texts = filled(row, found.body, XIAN)
        assert texts == filled(row, found.body, XIAN)
        for text in texts.values():
            assert text.title and text.body
            assert "None" not in text.body and "{" not in text.body
    if golden.topic == "cases":
        reporters = {each["reporter_id"] for each in golden.value["case"]["reports"]}
        body = payload(found)
        assert body == payload(found)
        assert not [each for each in reporters if each in body]
        for free_text in (golden.value["case"].get("text"), golden.value.get("note")):
            assert free_text is None or free_text not in body
