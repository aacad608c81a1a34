"""The shipped city is whole, and a broken one is pointed at by file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cities.areas import load_areas
from cities.folder import city_folder
from cities.load import CityError, load_city
from contracts.city import UNCATEGORISED, Window, Wording

SHIPPED = city_folder("xian")
XIAN = load_city("xian")


def test_what_the_city_is() -> None:
    assert XIAN.name == Wording("西安市", "Xi'an")
    assert XIAN.timezone == "Asia/Shanghai"
    assert [each.number for each in XIAN.emergency] == ["110", "119", "120", "12345"]
    assert (XIAN.verify_after_h, XIAN.reopen_within_days) == (24, 7)
    assert XIAN.limits.photos_per_report == 9
    assert len(XIAN.version) == 12


def test_a_category() -> None:
    bin_full = XIAN.category("06042")
    assert bin_full is not None
    assert bin_full.name.to("en-GB") == "Overflowing bin"
    assert bin_full.name.to("zh-CN") == "垃圾站（箱）满溢"
    assert bin_full.deadline.window == Window(7 * 60, 21 * 60)
    assert (bin_full.department, bin_full.family) == ("sanitation", "bins")
    assert XIAN.departments["sanitation"].en == "Sanitation"


def test_a_code_that_is_covered_is_filed_under_its_category() -> None:
    covers = XIAN.category("01012")
    assert covers is not None
    assert covers.code == "01023"
    assert XIAN.family("01012") == "covers"


def test_without_a_category() -> None:
    assert XIAN.category(None) is None
    assert XIAN.category("99999") is None
    assert XIAN.family(None) == XIAN.family("99999") == UNCATEGORISED
    assert XIAN.rule(UNCATEGORISED).distance_m == 0
    assert XIAN.deadline(None) == XIAN.deadline("L-9999")


def test_every_category_has_a_rule_and_a_department() -> None:
    for category in XIAN.categories:
        assert XIAN.rule(category.family).window_h > 0
        assert category.department in XIAN.departments


def test_all_manhole_covers_are_one_kind_of_matter() -> None:
    assert len({each.family for each in XIAN.categories if "井盖" in each.name.zh}) == 1
    assert XIAN.rule("water-logging").distance_m == 150


def test_reasons() -> None:
    outside = XIAN.refusal("outside-city")
    assert outside is not None
    assert "system" in outside.by
    assert XIAN.refusal("because") is None
    assert XIAN.return_reason("other-area") is not None


def test_rewards() -> None:
    assert XIAN.rewards.month_cap == 300
    assert (XIAN.points("06042"), XIAN.points(None)) == (10, XIAN.points("L-9999"))
    assert XIAN.rewards.false_reasons == {"false-report"}


def test_invented_shapes_say_so() -> None:
    areas = load_areas("xian")
    assert areas.synthetic
    assert "SYNTHETIC" in areas.notice
    assert areas.communities.keys() <= XIAN.divisions.keys()
    for name in ("communities.geojson", "streets.geojson"):
        assert '"synthetic": true' in (SHIPPED / name).read_text(encoding="utf-8")[:200]


BROKEN = [
    # file, what stands there, what somebody made of it, what the error says
    ("city.yaml", "timezone: Asia/Shanghai", "timezone: Asia/Xian", "is not a timezone"),
    ("city.yaml", "photo_bytes: 20971520", "photo_bytes: 20 MB", "Expected `int`"),
    ("city.yaml", "photos_per_report: 9", "photos_per_report: 0", "more than 0"),
    ("city.yaml", "verify_after_h: 24", "verify_after: 24", "verify_after"),
    ("city.yaml", "reopen_within_days: 7", "reopen_within_days: .nan", "not a number"),
    ("city.yaml", "warn_at: 0.8", "warn_at: 1.8", "warn_at must be under 1"),
    ("city.yaml", "code: outside-city", "code: outside", "outside-city is missing"),
    ("city.yaml", "code: duplicate,", "code: false-report,", "stands here twice"),
    ("city.yaml", "by: [operator], name", "by: [mayor], name", "Invalid enum value"),
    ("city.yaml", "limits:", "limits: [", "expected"),
    ("city.yaml", "timezone: A", "timezone: B\ntimezone: A", "timezone stands here twice"),
    ("categories.yaml", "code: '03005'", "code: '06042'", "stands here twice"),
    ("categories.yaml", "code: '03005'", "code: 3005", "Expected `str`"),
    ("categories.yaml", "group: 市容环卫设施", "group: 市容", "there is no group"),
    ("categories.yaml", "department: greening", "department: parks", "there is no department"),
    ("categories.yaml", "window: '07:00-21:00'", "window: '21:00-07:00'", "does not open before"),
    ("categories.yaml", "window: '07:00-21:00'", "window: 7 to 21", "is not hours like"),
    ("categories.yaml", "resolve_hours: 4", "resolve_hours: null", "exactly one of"),
    ("categories.yaml", "resolve_hours: 4", "resolve_hours: -4", "more than 0"),
    ("categories.yaml", "danger: false", "danger: perhaps", "Expected `bool`"),
    ("categories.yaml", "[垃圾桶坏了,", "[垃圾桶满了,", "belongs to 06042 already"),
    ("categories.yaml", "covers: ['06017']", "covers: ['06042']", "is filed under 06042"),
    ("categories.yaml", "code: L-9999", "code: L-9998", "L-9998 has no family"),
    ("duplicates.yaml", "distance_m: 150", "distance_m: 1500", "1500 m is not in 0 to"),
    ("duplicates.yaml", "suggest_m: 75", "suggest_m: 175", "175 m is not in 0 to"),
    ("duplicates.yaml", "same_names: 1.0", "same_name: 1.0", "unknown field `same_name`"),
    ("duplicates.yaml", "h3_resolution: 9", "h3_resolution: 16", "between 0 and 15"),
    ("duplicates.yaml", "['06042', '03005']", "['06042', '06010']", "is in family bins already"),
    ("duplicates.yaml", "{family: uncategorised", "{family: none", "uncategorised is missing"),
    ("duplicates.yaml", "categories: [L-0404]", "categories: [L-0404, X-1]", "is no category"),
    ("rewards.yaml", "month_cap: 300", "month_cap: 0", "1 to 100000 points"),
    ("rewards.yaml", "joined: 1", "joined: -1", "0 to 100000 points"),
    ("rewards.yaml", "joined: 1", "joined: one", "Expected `int`"),
    ("rewards.yaml", "check: 2", "chek: 2", "chek"),
    ("rewards.yaml", "[false-report]", "[untrue]", "untrue is no refusal reason"),
    ("rewards.yaml", "flag_at: 3", "flag_at: 0", "1 to 100000 strikes"),
    ("divisions.csv", "碑林区,district,", "碑林区,borough,", "is not one of"),
    ("divisions.csv", "610103000000,", "610102000000,", "stands here twice"),
    ("divisions.csv", "610103000000,", "61010300,", "is not a 12-digit code"),
    ("divisions.csv", "code,name,level,parent_code", "code,name", "the columns must be"),
    ("communities.geojson", '"code":"610102001003"', '"code":"610102001001"', "stands here twice"),
    ("communities.geojson", '"code":"610102001003"', '"code":"610102001999"', "not in divisions"),
    ("communities.geojson", '"code":"610102001003"', '"nr":"610102001003"', "field `code`"),
    ("communities.geojson", "[[[108.94259,34.26702]", "[[[108.9425,34.26702]", "geometry"),
    ("communities.geojson", "[108.9459,34.26924]", "[208.9459,34.26924]", "are not degrees"),
    ("communities.geojson", "[108.94637,34.27449]", "[108.93,34.2650]", "is not valid"),
    ("communities.geojson", '},"geometry":{"type":"Polygon"', '},"geometry":{"type":"Point"', ""),
    ("districts.geojson", '"adcode":"610103",', "", "field `adcode`"),
    ("districts.geojson", '"features": [', '"features": [,', "Expecting value"),
]


def folder_with(tmp_path: Path, name: str, before: str, after: str) -> tuple[Path, int]:
    """A copy of the city with the first occurrence replaced, and the line where it is."""
    folder = tmp_path / "town"
    shutil.copytree(SHIPPED, folder)
    text = (folder / name).read_text(encoding="utf-8")
    where = text.index(before)
    (folder / name).write_text(text[:where] + after + text[where + len(before) :], encoding="utf-8")
    return folder, text.count("\n", 0, where) + 1


@pytest.mark.parametrize(("name", "before", "after", "reason"), BROKEN)
def test_a_broken_file(tmp_path: Path, name: str, before: str, after: str, reason: str) -> None:
    folder, _ = folder_with(tmp_path, name, before, after)
    with pytest.raises(CityError) as caught:
        load_city(str(folder))
        load_areas(str(folder))
    assert caught.value.file == folder / caught.value.file.name
    assert reason in caught.value.reason
    assert str(caught.value) == f"{caught.value.file}:{caught.value.line}: {caught.value.reason}"


NEAR = [
    ("city.yaml", "timezone: Asia/Shanghai", "timezone: Asia/Xian"),
    ("city.yaml", "photo_bytes: 20971520", "photo_bytes: 20 MB"),
    ("categories.yaml", "resolve_hours: 24", "resolve_hours: -4"),
    ("categories.yaml", "danger: true", "danger: perhaps"),
    ("duplicates.yaml", "distance_m: 150", "distance_m: 1500"),
    ("rewards.yaml", "month_cap: 300", "month_cap: 3e9"),
    ("rewards.yaml", "reasons: [false-report]", "reasons: [untrue]"),
    ("divisions.csv", "碑林区,district,", "碑林区,borough,"),
    ("communities.geojson", '"code":"610116003204"', '"code":"1"'),
    ("districts.geojson", '"adcode":"610103",', ""),
]


@pytest.mark.parametrize(("name", "before", "after"), NEAR)
def test_the_very_line(tmp_path: Path, name: str, before: str, after: str) -> None:
    folder, line = folder_with(tmp_path, name, before, after)
    with pytest.raises(CityError) as caught:
        load_city(str(folder))
        load_areas(str(folder))
    assert (caught.value.file.name, caught.value.line) == (name, line)


@pytest.mark.parametrize(
    "name",
    ["city.yaml", "categories.yaml", "rewards.yaml", "divisions.csv", "communities.geojson"],
)
def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "town"
    shutil.copytree(SHIPPED, folder)
    (folder / name).unlink()
    with pytest.raises(CityError, match="there is no such file"):
        load_city(str(folder))


def test_the_version_follows_the_files(tmp_path: Path) -> None:
    folder, _ = folder_with(tmp_path, "city.yaml", "text_chars: 2000", "text_chars: 1000")
    assert load_city(str(folder)).version != XIAN.version
    assert load_city(str(SHIPPED)).version == XIAN.version
