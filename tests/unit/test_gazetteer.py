"""Names of places in the words of a report: hints, and never more than the words say."""

from __future__ import annotations

import pytest

from cities.areas import load_areas
from contracts.city import Community
from services.intake.domain.gazetteer import MOST, Gazetteer


def at(name: str, street: str, district: str) -> Community:
    return Community("1", name, street, "2", district, "3")


KNOWN = Gazetteer(
    [
        at("瓦胡同社区居民委员会", "长延堡街道", "雁塔区"),
        at("红旗社区居委会", "长延堡街道", "雁塔区"),
        at("红旗村委会", "翠峰镇", "周至县"),
        at("新村社区居委会", "红庙坡街道", "莲湖区"),
        *(at("中心社区居委会", f"第{n}街道", "长安区") for n in range(MOST + 1)),
    ]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("瓦胡同门口的垃圾桶满了", ("雁塔区 长延堡街道 瓦胡同社区",)),
        ("瓦胡同社区路灯不亮", ("雁塔区 长延堡街道 瓦胡同社区",)),
        ("长延堡有个井盖没了", ("雁塔区 长延堡街道",)),
        ("红旗社区垃圾满了", ("雁塔区 长延堡街道 红旗社区", "周至县 翠峰镇 红旗村")),
        ("周至的红旗村垃圾满了", ("周至县 翠峰镇 红旗村",)),
        ("挂红旗的店门口垃圾满了", ()),
        ("中心社区路灯坏了", ()),
        ("路灯坏了", ()),
        ("", ()),
    ],
    ids=["bare", "whole", "street", "twice", "narrowed", "a-word", "too-many", "none", "empty"],
)
def test_hints(text: str, expected: tuple[str, ...]) -> None:
    assert KNOWN.hints(text) == expected


def test_every_community_of_the_city_is_found_by_its_name_and_district() -> None:
    communities = list(load_areas("xian").communities.values())
    gazetteer = Gazetteer(communities)
    missed = [
        each.name
        for each in communities
        if f"{each.district} {each.street}"
        not in "".join(gazetteer.hints(f"{each.district}{each.street}{each.name}"))
    ]
    assert len(missed) <= len(communities) // 50, missed[:20]
