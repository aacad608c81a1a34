"""A text keeps what it says and loses what could harm."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.text import clean_text

CASES = [
    ("垃圾桶满了", "垃圾桶满了"),
    ("  井盖　没了 \t 快来  ", "井盖 没了 快来"),
    ("a\u0000b\u0007c\u009fd", "abcd"),
    ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
    ("one  \n\n\n\n  two", "one\n\ntwo"),
    ("e\u0301", "é"),
    ("e\u0000\u0301", "é"),
    ("safe\u202egpj.exe", "safegpj.exe"),
    ("\ufeff\u200b ", ""),
    ("lone \ud800 surrogate", "lone surrogate"),
    ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
    ("<b>&amp;'; drop table", "<b>&amp;'; drop table"),
    ("", ""),
]


@pytest.mark.parametrize(("raw", "clean"), CASES)
def test_cleaned(raw: str, clean: str) -> None:
    assert clean_text(raw, 2000) == clean


def test_the_rest_is_cut() -> None:
    assert clean_text("垃圾" * 2000, 2000) == "垃圾" * 1000
    assert clean_text("abc def", 4) == "abc"


@settings(deadline=None)
@given(st.text(), st.integers(1, 50))
def test_whatever_comes(raw: str, most: int) -> None:
    clean = clean_text(raw, most)
    assert len(clean) <= most
    assert clean_text(clean, most) == clean
    assert clean == clean.strip()
    assert unicodedata.is_normalized("NFC", clean)
    clean.encode("utf-8")
    assert not any(unicodedata.category(each) == "Cc" and each != "\n" for each in clean)
