"""Words lead to a category, and danger is heard."""

from __future__ import annotations

import pytest

from cities.load import load_city
from services.intake.domain.categorise import category_of, is_dangerous

ALIASES = {
    "桶满了": "A",
    "垃圾桶满了": "B",
    "路灯不亮": "C",
    "井盖没了": "D",
    "bin": "E",
    "bin is full": "F",
    "no light": "G",
    "wi-fi": "H",
}
XIAN = load_city("xian")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("门口垃圾桶满了", "B"),
        ("桶满了", "A"),
        ("The BIN  is\nfull!", "F"),
        ("my cabin is nice", None),
        ("bins", None),
        ("cabin, bin", "E"),
        ("这里的bin坏了", "E"),
        ("ＢＩＮ", "E"),
        ("路灯不亮，井盖没了", "C"),
        ("井盖没了，路灯不亮", "D"),
        ("", None),
        ("你好", None),
    ],
)
def test_the_longest_alias_wins_then_the_first(text: str, code: str | None) -> None:
    assert category_of(text, ALIASES) == code
    assert category_of(text, dict(reversed(ALIASES.items()))) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("小区门口垃圾桶满了，没人清", "06042"),
        ("Overflowing bin at the bus stop", "06042"),
        ("路口有积水", "L-0406"),
        ("路灯不亮", "01037"),
    ],
)
def test_with_the_words_of_the_city(text: str, code: str) -> None:
    assert category_of(text, XIAN.aliases) == code


def test_every_alias_of_the_city_leads_home() -> None:
    for category in XIAN.categories:
        for alias in category.aliases:
            assert category_of(alias, XIAN.aliases) == category.code, alias


@pytest.mark.parametrize(
    ("text", "dangerous"),
    [
        ("井盖没了，差点掉进去", True),
        ("闻到燃气味", True),
        ("There is a BARE WIRE near the school", True),
        ("open manhole", True),
        ("垃圾桶满了", False),
        ("the collapsible chair", False),
        ("", False),
    ],
)
def test_danger(text: str, dangerous: bool) -> None:
    assert is_dangerous(text, XIAN.danger_words) is dangerous
