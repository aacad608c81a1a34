"""What two texts agree and disagree in."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

from cities.load import load_city
from cities.phrases import load_phrases
from services.dispatch.adapters.city import ordinary
from services.dispatch.domain.wording import pieces, said

CITY = load_city("xian")
ORDINARY = ordinary(CITY, load_phrases("xian", CITY))
SHARED = Path(__file__).resolve().parents[3] / "shared/data/report_texts.jsonl"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (None, "路灯不亮", set()),
        ("路灯坏了", "路灯不亮，晚上太黑", set()),
        ("路灯不亮，灯杆编号30412", "编号 30412 的路灯灭了", {"same-number"}),
        ("12号灯杆的灯不亮", "13号灯杆的灯不亮", {"other-number"}),
        ("井盖编号A-17缺失", "井号：A-18 没盖", {"other-number"}),
        ("Lamp out, pole 4411", "street light dark, pole #4411", {"same-number"}),
        ("Lamp out, pole 4411", "Lamp out, pole 4412", {"other-number"}),
        ("路东侧的路灯不亮", "路西侧路灯不亮", {"other-side"}),
        ("路东侧的路灯不亮", "东边路灯灭了", set()),
        ("东侧和西侧的灯都不亮", "西侧的灯不亮", set()),
        ("从路口数第三盏不亮", "路口第二盏灯不亮", {"other-side"}),
        ("太白路12号门前垃圾满了", "太白路14号旁垃圾桶满", {"other-side"}),
        ("north side bin full", "bin on the southern side is full", {"other-side"}),
        ("3天没人收垃圾", "5天没人收垃圾了", set()),
        ("11月12号坏的", "11月14号灭了", set()),
        ("垃圾桶满了，永嘉泰商厦门口", "永嘉泰商厦那个桶溢出来了", {"same-names"}),
    ],
)
def test_said(one: str | None, other: str, expected: set[str]) -> None:
    words = ORDINARY["bins"] | ORDINARY["street-lamps"] | ORDINARY["covers"]
    assert said(one, other, words) == expected
    assert said(other, one, words) == expected


def test_pieces() -> None:
    assert pieces("罗马市 场 Lamp OUT no.3") == {"罗马", "马市", "lamp"}


@pytest.mark.skipif(not SHARED.is_file(), reason="real texts are not part of the repository")
def test_real_reports_of_one_family_say_nothing_of_each_other() -> None:
    """All of them are about different matters, in the words that everybody uses."""
    rows = [json.loads(line) for line in SHARED.read_text().splitlines()]
    pairs = [
        (one["text"], other["text"], CITY.family(one["code"]))
        for one, other in combinations(rows, 2)
        if CITY.family(one["code"]) == CITY.family(other["code"])
    ]
    assert len(pairs) > 50
    assert [each for each in pairs if said(each[0], each[1], ORDINARY[each[2]])] == []
