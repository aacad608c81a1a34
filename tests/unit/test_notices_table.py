"""The shipped table of notices is whole, and a broken one is pointed at by file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cities.folder import city_folder
from cities.marked import CityError
from cities.notices import FILE, load_notices
from contracts.notice_table import LANGUAGES

SHIPPED = city_folder("xian") / FILE
TABLE = load_notices("xian")


def test_it_tells_a_reporter_every_step_of_the_case() -> None:
    for event in ("CaseOpened", "CaseAccepted", "CaseResolved", "CaseClosed", "CaseRefused"):
        reporters = {"first-reporter", "reporters"}
        assert any(reporters & set(row.to) for row in TABLE.rows[event]), event
    assert "CaseAssigned" in TABLE.webhooks


def test_every_row_speaks_both_languages() -> None:
    for rows in TABLE.rows.values():
        for row in rows:
            assert set(row.texts) == set(LANGUAGES)


BROKEN = [
    ("event: PlaceAsked", "event: PlaceWanted", "PlaceWanted is no event that notify hears"),
    ("event: PlaceAsked", "event: ReportSubmitted", "is no event that notify hears"),
    ("上报 {code} 没有位置", "上报 {phone} 没有位置", "placeholder {phone} is none of"),
    ("上报 {code} 没有位置", "上报 {code!r} 没有位置", "takes no format"),
    ("上报 {code} 没有位置", "上报 {code 没有位置", "braces"),
    ("en: {title: Where is it?", "fr: {title: Where is it?", "has no text in en"),
    ("title: Where is it?", "title: ''", "a text has 1 to 60 characters"),
    ("to: [joined-reporter]", "to: [mayor]", "mayor is none of"),
    ("to: [joined-reporter]", "to: []", "nobody is named"),
    ("to: [joined-reporter]", "to: [joined-reporter, followers]", "have a row of their own"),
    ("（{category}）现场已设防护", "{note}现场已设防护", "placeholder {note} is none of"),
    ("dangerous: ['yes']", "weather: ['yes']", "condition weather is none of"),
    ("dangerous: ['yes']", "dangerous: []", "lets nothing through"),
    ("dangerous: ['yes']", "dangerous: yes", "Expected `array`"),
    ("- CaseStarted", "- CaseStartled", "CaseStartled is no event on topic cases"),
    ("- CaseStarted", "- PointsCredited", "is no event on topic cases"),
    ("- CaseStarted", "- CaseAccepted", "stands here twice"),
    ("urgent: true", "urgent: loud", "Expected `bool`"),
    ("urgent: true", "loud: true", "unknown field `loud`"),
]


@pytest.mark.parametrize(("there", "broken", "reason"), BROKEN, ids=lambda text: text[:24])
def test_a_broken_table_is_pointed_at(tmp_path: Path, there: str, broken: str, reason: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert there in text
    (tmp_path / FILE).write_text(text.replace(there, broken, 1), encoding="utf-8")
    with pytest.raises(CityError) as caught:
        load_notices(str(tmp_path))
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / FILE}:")
    # The line of what is wrong, or of the row round it.
    line = text[: text.index(there)].count("\n") + 1
    assert (caught.value.line and abs(caught.value.line - line) <= 4) or "twice" in reason


def test_without_the_file(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED.parent, tmp_path / "city")
    (tmp_path / "city" / FILE).unlink()
    with pytest.raises(CityError, match="there is no such file"):
        load_notices(str(tmp_path / "city"))
