"""Open311's words in and out: documents, dates, forms, questions, tokens."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as sampled
from hypothesis import strategies

from cities.load import load_city
from cities.marked import CityError
from cities.open311 import load_open311
from contracts.cases import OPEN311_STATUS
from contracts.city import Category, Open311Rules
from services.open311.domain import catalogue
from services.open311.domain.asking import MOST, Speaker, sought
from services.open311.domain.document import Document
from services.open311.domain.faults import Faulty
from services.open311.domain.instants import instant, shown, window
from services.open311.domain.remarks import remark, remark_id
from services.open311.domain.sending import Fields, person, posted, repeat_key
from services.open311.domain.tokens import report_of, token_of
from services.open311.domain.wording import NEWS, STATES

CITY = load_city("xian")
ZONE = ZoneInfo(CITY.timezone)
NOW = datetime(2026, 11, 25, 3, 0, 0, 500_000, tzinfo=UTC)
SPEAKER = Speaker(CITY, Open311Rules(), NOW, ZONE)
HERE = [("lat", "34.2245"), ("long", "108.9470")]


def category(code: str = "06042") -> Category:
    found = CITY.category(code)
    assert found is not None
    return found


def test_a_list_is_a_bare_array_and_a_root_with_members() -> None:
    value = [{"service_code": "06042", "description": None, "metadata": True, "lat": 34.5}]
    document = Document("services", value)
    assert json.loads(document.encoded("json")) == value
    assert document.encoded("xml").decode() == (
        '<?xml version="1.0" encoding="utf-8"?>\n<services><service><service_code>06042'
        "</service_code><description/><metadata>true</metadata><lat>34.5</lat></service></services>\n"
    )
    assert Document("services", []).encoded("json") == b"[]"
    assert b"<services/>" in Document("services", []).encoded("xml")


@sampled(strategies.text())
def test_xml_says_every_text_that_it_can(text: str) -> None:
    root = ElementTree.fromstring(
        Document("errors", [{"code": 1, "description": text}]).encoded("xml")
    )
    read = root.findtext("error/description") or ""
    kept = "".join(
        c
        for c in text
        if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
    )
    assert read == kept


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00+00:00"),
        ("2026-11-23 10:00:00-06:00", "2026-11-23T16:00:00+00:00"),
        ("2026-11-23T10:00:00.123456+08:00", "2026-11-23T02:00:00.123456+00:00"),
        ("2026-11-23T10:00:00 08:00", "2026-11-23T02:00:00+00:00"),
        ("2026-11-23T10:00:00+0800", "2026-11-23T02:00:00+00:00"),
        ("2026-11-23T10:00:00", "2026-11-23T02:00:00+00:00"),
        ("2026-11-23", "2026-11-22T16:00:00+00:00"),
    ],
)
def test_dates_as_clients_write_them(text: str, expected: str) -> None:
    assert instant(text, "start_date", ZONE) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text",
    ["yesterday", "2026-13-01", "1764000000", "0001-01-01", "9999-12-31T23:59:59-12:00", "\x00"],
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(Faulty):
        instant(text, "start_date", ZONE)


def test_dates_are_shown_with_a_colon_in_the_offset() -> None:
    assert shown(NOW, ZONE) == "2026-11-25T11:00:00+08:00"


def between(start: str, end: str) -> tuple[datetime, datetime]:
    return window(("start_date", "end_date"), (start, end), NOW, ZONE)


def test_a_window_is_ninety_days_and_not_a_second_more() -> None:
    assert between("", "") == (NOW - timedelta(days=90), NOW)
    start, end = between("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z")
    assert end - start == timedelta(days=90, microseconds=999_999)
    with pytest.raises(Faulty):
        between("2026-01-01T00:00:00Z", "2026-04-01T00:00:01Z")
    with pytest.raises(Faulty):
        between("2026-04-01T00:00:00Z", "2026-01-01T00:00:00Z")
    start, end = between("2026-01-01T00:00:00Z", "")
    assert end - start == timedelta(days=90, microseconds=999_999)
    start, end = between("", "2026-04-01T00:00:00Z")
    assert start == datetime(2026, 1, 1, tzinfo=UTC)
    assert between("2026-11-24T00:00:00Z", "")[1] == NOW


def test_names_of_services_are_unique() -> None:
    for language in ("zh-CN", "en"):
        names = [each["service_name"] for each in catalogue.services(CITY, language, "realtime")]
        assert len(set(names)) == len(names) == len(CITY.categories)


def test_every_state_has_its_word() -> None:
    assert set(OPEN311_STATUS) == set(STATES)
    closed = {state for state, word in OPEN311_STATUS.items() if word == "closed"}
    assert closed == {"closed", "refused", "withdrawn", "merged"}
    assert all(word.zh and word.en for word in (*STATES.values(), *NEWS.values()))


def wrong(fields: Fields, code: str = "06042") -> set[str]:
    with pytest.raises(Faulty) as raised:
        posted(fields, category(code), required=True)
    return {each.field for each in raised.value.faults}


FILL = ("attribute[FILL]", "full")


def test_a_form_as_a_report() -> None:
    fields = [
        *HERE,
        FILL,
        ("description", " 满了 "),
        ("attribute[DAYS]", ""),
        ("attribute[uprn]", "1"),
    ]
    found = posted(fields, category(), required=True)
    assert found.place == (34.2245, 108.947)
    assert (found.text, found.attributes) == ("满了", {"FILL": ["full"]})
    assert posted([*HERE, FILL], category(), required=True).text == category().name.zh
    assert posted([("address_string", "x"), FILL], category(), required=True).place is None
    assert posted([*HERE, ("attribute[FILL][]", "已满")], category(), required=True).attributes == {
        "FILL": ["full"]
    }


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ([("lat", "34")], "long"),
        ([("lat", "91"), ("long", "1")], "lat"),
        ([("lat", "nan"), ("long", "1")], "lat"),
        ([("lat", "34"), ("long", "181")], "long"),
        ([], "lat, long"),
        ([*HERE, ("description", "x" * 4001)], "description"),
        ([*HERE, ("address_string", "x" * 401)], "address_string"),
        ([*HERE, ("media_url", "ftp://a/b.jpg")], "media_url"),
        ([*HERE, *[("media_url", f"https://a/{n}") for n in range(10)]], "media_url"),
        ([*HERE, ("attribute[FILL]", "over")], "attribute[FILL]"),
        ([*HERE, ("attribute[DAYS]", "many")], "attribute[DAYS]"),
        ([*HERE, ("attribute[WASTE]", "gold")], "attribute[WASTE]"),
    ],
)
def test_what_is_wrong_with_a_form(more: Fields, field: str) -> None:
    assert wrong([FILL, *more]) == {field}


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert wrong([("lat", "x"), ("long", "1"), ("media_url", "x")]) == {
        "lat",
        "media_url",
        "attribute[FILL]",
    }


def test_a_city_may_do_without_answers() -> None:
    assert posted(HERE, category(), required=False).attributes == {}


def test_which_repeat_it_would_be() -> None:
    one = repeat_key("a", [*HERE, ("description", "x"), ("api_key", "1")], "", ["m"])
    assert one == repeat_key("a", [("description", "x"), *HERE, ("api_key", "2")], "", ["m"])
    assert one[1] == 24 * 3600
    others = [
        repeat_key("b", [*HERE, ("description", "x")], "", ["m"]),
        repeat_key("a", [*HERE, ("description", "y")], "", ["m"]),
        repeat_key("a", [*HERE, ("description", "x")], "", []),
        repeat_key("a", [*HERE, ("external_id", "7")], "", ["m"]),
        repeat_key("b", [*HERE, ("external_id", "7")], "", ["m"]),
        repeat_key("a", [*HERE, ("external_id", "7")], "header", ["m"]),
    ]
    assert len({key for key, _ in others} | {one[0]}) == len(others) + 1
    again = repeat_key("a", [("external_id", "7"), ("description", "z")], "", [])
    assert again[0] == others[3][0]


def test_a_person_is_whom_the_client_names() -> None:
    assert person([("email", ""), ("deviceid", "d"), ("phone", "1")]) == "phone:1"
    assert person([("first_name", "A")]) == ""


def test_questions_for_tracking() -> None:
    usual = sought({}, SPEAKER)
    assert (usual["until"], usual["limit"], usual["offset"]) == (NOW, MOST, 0)
    assert "shut" not in sought({"status": ["open,closed"]}, SPEAKER)
    assert sought({"status": ["Closed"]}, SPEAKER)["shut"] is True
    assert sought({"service_code": ["06042,xx", "03005"]}, SPEAKER)["categories"] == [
        "06042",
        "xx",
        "03005",
    ]
    page = sought({"page": ["3"], "page_size": ["200"]}, SPEAKER)
    assert (page["offset"], page["limit"]) == (400, 200)
    one = "01a210cb-c059-71b6-9127-9044cd42de89"
    ids = sought({"service_request_id": [f"{one}, 17"], "status": ["nonsense"]}, SPEAKER)
    assert ids["ids"] == [one]
    changed = sought({"updated_after": ["2026-11-01"]}, SPEAKER)
    assert "since" not in changed and changed["updated_before"] == NOW
    rules = Open311Rules(publish="open311")
    assert sought({}, Speaker(CITY, rules, NOW, ZONE))["only_open311"] is True


@pytest.mark.parametrize(
    "values",
    [
        {"status": ["done"]},
        {"page": ["0"]},
        {"page": ["x"]},
        {"page": ["1" * 5000]},
        {"page_size": ["501"]},
        {"q": ["x" * 201]},
        {"start_date": ["soon"]},
        {"updated_after": ["2026-01-01"], "updated_before": ["2026-11-01"]},
        {"service_request_id": [",".join(map(str, range(MOST + 1)))]},
    ],
    ids=str,
)
def test_what_is_wrong_with_a_question(values: dict[str, list[str]]) -> None:
    with pytest.raises(Faulty):
        sought(values, SPEAKER)


@sampled(strategies.uuids())
def test_a_token_is_the_id_in_other_letters(report_id: object) -> None:
    token = token_of(str(report_id))
    assert str(report_of(token)) == str(report_id)
    assert report_of(token.upper()) is None and report_of(token[:-1]) is None


@sampled(strategies.text(max_size=40))
def test_any_text_as_a_token(text: str) -> None:
    report_of(text)


def test_a_remark() -> None:
    said = remark([("service_request_id", "1"), ("description", "x"), ("status", "OPEN")])
    assert said.status == "open"
    assert remark_id("a", said, "") == remark_id("a", said, "") != remark_id("b", said, "")
    with pytest.raises(Faulty) as raised:
        remark([("status", "done")])
    assert {e.field for e in raised.value.faults} == {"service_request_id", "description", "status"}


def test_a_citys_rules(tmp_path: Path) -> None:
    assert load_open311("xian").publish == "all"
    folder = tmp_path
    assert load_open311(str(folder)) == Open311Rules()
    (folder / "open311.yaml").write_text("tokens: true\njurisdictions: [a, a]\n")
    with pytest.raises(CityError, match=r"open311\.yaml:2: is empty or stands here twice"):
        load_open311(str(folder))
    (folder / "open311.yaml").write_text("tokens: maybe\n")
    with pytest.raises(CityError, match=r"open311\.yaml:1:"):
        load_open311(str(folder))
