"""The words of a report lead to a category with a confidence, or to none."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from cities.folder import city_folder
from cities.load import CityError, load_city
from cities.phrases import load_phrases
from contracts.city import Phrases
from services.intake.domain.categorise import read_category
from services.intake.domain.words import Words
from tests.sourcecode import ROOT
from yizhan.demo.scenes import CASES

XIAN = load_city("xian")
PHRASES = load_phrases("xian", XIAN)
WORDS = Words(PHRASES, XIAN.aliases)
REAL = Path(os.environ.get("YIZHAN_SHARED_DATA", ROOT / "../shared/data")) / "report_texts.jsonl"


def read(text: str) -> tuple[str | None, str]:
    found = read_category(None, text, XIAN, WORDS.candidates)
    return found.code, found.source


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("楼下那家烤肉店天天晚上烟熏火燎，窗户都没法开", "06027"),
        ("嗯 就是我们楼后头那个变压器老是嗡嗡响还冒烟", "01028"),
        ("这哒的灯黑了一个礼拜咧，么人管", "01037"),
        ("小区外面的共享电动车把人行道堵得严严实实", "09011"),
        ("有几辆没人要的面包车停在这儿两年没挪过", "06034"),
        ("The swings in the little park are rusty and one chain snapped", "01046"),
        ("Somebody keeps pasting flyers on every lamp post", "07001"),
        ("big pot hole, nearly lost my wheal", "06013"),
        ("请问社保卡怎么补办", "L-9999"),
    ],
)
def test_words_that_are_in_no_list_are_understood(text: str, code: str) -> None:
    assert read(text) == (code, "words")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "你好",
        "今天天气不错",
        "请来看看",
        "第 7 条：请来看看",
        "test",
        "see photo",
        "12345",
        "。。。",
    ],
)
def test_what_says_nothing_has_no_category(text: str) -> None:
    assert read(text) == (None, "none")


def test_what_fits_several_is_left_to_the_handler_with_three_to_pick_from() -> None:
    found = read_category(None, "门口的那个坏了", XIAN, WORDS.candidates)
    assert (found.code, found.source) == (None, "none")
    assert len(found.candidates) == 3
    confidences = [each.confidence for each in found.candidates]
    assert confidences == sorted(confidences, reverse=True) and sum(confidences) <= 1


@pytest.mark.parametrize(
    ("owner", "code"),
    [
        ("自来水", "01001"),
        ("污水", "01002"),
        ("雨水", "01003"),
        ("电力", "01005"),
        ("路灯", "01006"),
        ("联通", "01007"),
        ("暖气", "01010"),
        ("天然气", "01011"),
        ("", "01023"),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "人行道上的{}井盖不见了，洞口敞着",
        "小区门口{}井盖坏了，车一过就响",
        "{}窨井盖子裂开了",
        "写着{}的井盖丢了一个多月没人管",
    ],
)
def test_a_cover_goes_to_whoever_owns_it(text: str, owner: str, code: str) -> None:
    assert read(text.format(owner) if owner else text.format("").replace("写着的", ""))[0] == code


def test_the_scenes_of_the_demo_are_filed_as_its_table_says() -> None:
    for scene in CASES:
        if scene.text:
            assert read(scene.text)[0] == scene.category, scene.text


def test_a_cover_beside_a_lamp_is_not_the_lamps() -> None:
    assert read("路灯不亮，看不见路，井盖没了")[0] in {"01023", "01037", None}


def test_the_reporters_choice_is_not_argued_with() -> None:
    found = read_category("06042", "路灯不亮", XIAN, WORDS.candidates)
    assert (found.code, found.source, found.candidates) == ("06042", "client", ())


def test_every_alias_leads_home() -> None:
    for alias, code in XIAN.aliases.items():
        assert read(alias) == (code, "alias"), alias


def test_two_starts_read_alike() -> None:
    again = Words(load_phrases("xian", load_city("xian")), XIAN.aliases)
    for text in ("路边堆了一堆建筑垃圾没人管", "loud music every night"):
        assert again.candidates(text) == WORDS.candidates(text)


def test_a_long_text_is_read_in_bounded_time_and_by_its_beginning() -> None:
    matter = "路灯坏了，"
    assert WORDS.candidates(matter + "啊" * 600) == WORDS.candidates(matter + "啊" * 100_000)


def test_every_category_is_spoken_of_in_both_languages() -> None:
    for category in XIAN.categories:
        own = len(PHRASES.by_category[category.code]) - len(category.aliases) - 2
        assert own >= 2, category.code


def test_a_city_without_phrases_reads_by_names_and_aliases(tmp_path: Path) -> None:
    words = Words(Phrases(by_category={"A": (("路灯",),), "B": (("树",),)}, anything=()), {})
    assert words.candidates("路灯")[0].category == "A"
    folder = tmp_path / "city"
    shutil.copytree(city_folder("xian"), folder)
    (folder / "phrases.yaml").unlink()
    bare = load_phrases(str(folder), XIAN)
    assert {len(lines) for lines in bare.by_category.values()} != {0} and not bare.anything


@pytest.mark.parametrize(
    ("was", "becomes", "reason"),
    [
        ("  '06042':\n    zh:", "  '99999':\n    zh:", "99999 is no category"),
        ("    - <bin>(满了", "    - <bim>(满了", "there is no slot bim"),
        ("    - <bin>(满了", "    - <bin>((满了", "brackets do not match"),
        ("  bin: 垃圾桶", "  bin: [垃圾桶]\n  other: 垃圾桶", "Expected `str`"),
    ],
)
def test_a_broken_file_is_pointed_at(tmp_path: Path, was: str, becomes: str, reason: str) -> None:
    folder = tmp_path / "city"
    shutil.copytree(city_folder("xian"), folder)
    file = folder / "phrases.yaml"
    text = file.read_text()
    assert was in text
    file.write_text(text.replace(was, becomes, 1))
    with pytest.raises(CityError, match=reason) as caught:
        load_phrases(str(folder), XIAN)
    assert caught.value.line > 0


@pytest.mark.skipif(not REAL.is_file(), reason="the real texts are not part of the repository")
def test_real_texts_reach_what_was_aimed_at() -> None:
    rows = [json.loads(line) for line in REAL.read_text().splitlines()]
    found = [[each.category for each in WORDS.candidates(row["text"])] for row in rows]
    pairs = list(zip(rows, found, strict=True))
    assert sum(codes[:1] == [row["code"]] for row, codes in pairs) >= 0.80 * len(rows)
    assert sum(row["code"] in codes for row, codes in pairs) >= 0.93 * len(rows)
