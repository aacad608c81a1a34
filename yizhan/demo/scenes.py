"""What is reported in the demo, as one table: words, picture, place, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.city import Wording
from yizhan.demo import pictures
from yizhan.demo.pictures import Painter

CITY = "xian"
PlaceBy = Literal["photo", "wgs84", "gcj02", "nobody"]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """`at` is WGS-84; `place_by` says who tells it; `community` and `category` are the answers."""

    key: str
    name: Wording
    text: str | None
    painter: Painter | None
    at: tuple[float, float]
    place_by: PlaceBy
    community: str | None
    category: str | None


BIN = Scene(
    key="bin",
    name=Wording("垃圾桶满溢", "Overflowing bin"),
    text="垃圾桶满了，垃圾掉了一地，味道很大",
    painter=pictures.overflowing_bin,
    at=(34.22486, 108.93705),
    place_by="photo",
    community="610113001001",
    category="06042",
)
GREENERY = Scene(
    key="greenery",
    name=Wording("绿化缺失", "Greenery missing"),
    text="绿化带秃了一大片，补种的灌木也没了",
    painter=pictures.bare_greenery,
    at=(34.21565, 108.96517),
    place_by="gcj02",
    community="610113002001",
    category="04013",
)
LAMP = Scene(
    key="lamp",
    name=Wording("路灯隐患", "Street-lamp hazard"),
    text="路灯坏了，灯杆上电线裸露，孩子伸手就能碰到",
    painter=pictures.broken_lamp,
    at=(34.25732, 108.94348),
    place_by="photo",
    community="610103001002",
    category="01037",
)
MANHOLE = Scene(
    key="manhole",
    name=Wording("井盖缺失", "Manhole cover missing"),
    text="人行道上的污水井盖不见了，洞口敞着",
    painter=pictures.open_manhole,
    at=(34.26635, 108.94016),
    place_by="wgs84",
    community="610104002001",
    category="01002",
)
WATER = Scene(
    key="water",
    name=Wording("道路积水", "Water-logging"),
    text="下雨后路口积水到小腿，车都熄火了",
    painter=pictures.flooded_crossing,
    at=(34.26410, 108.96480),
    place_by="photo",
    community="610102001001",
    category="L-0406",
)
RAILING = Scene(
    key="railing",
    name=Wording("只发一张照片", "One photo, nothing else"),
    text=None,
    painter=pictures.broken_railing,
    at=(34.34614, 108.96049),
    place_by="photo",
    community="610112001001",
    category=None,
)
SAME_BIN = Scene(
    key="same-bin",
    name=Wording("同一个垃圾桶", "The same bin"),
    text="这里的垃圾桶爆满，没人管",
    painter=pictures.overflowing_bin,
    at=(34.22496, 108.93715),  # 14 m from the bin
    place_by="photo",
    community="610113001001",
    category="06042",
)
OUTSIDE = Scene(
    key="outside",
    name=Wording("不在本市", "Outside the city"),
    text="华山脚下垃圾桶满了",
    painter=pictures.overflowing_bin,
    at=(34.48000, 110.08000),
    place_by="photo",
    community=None,
    category=None,
)
SMOKE = Scene(
    key="smoke",
    name=Wording("没说在哪里", "A sentence without a place"),
    text="有人在路边烧垃圾，烟很大",
    painter=None,
    at=(34.28256, 109.04878),
    place_by="nobody",
    community="610111002001",
    category="06020",
)

BIN_AREA = {"lat": BIN.at[0], "lon": BIN.at[1], "crs": "wgs84", "radius_m": 300}
"""What a neighbour of the bin asks to hear of; bins only."""
EXAMPLES = (BIN, GREENERY, LAMP, MANHOLE, WATER)
CASES = (*EXAMPLES, RAILING, SMOKE)
"""The scenes that open a case of their own."""
GREENERY_NEIGHBOUR = "610113002007"
"""Borders on the community of GREENERY; gets that case after it was returned."""
ENDS = {
    "bin": "closed",
    "greenery": "closed",
    "lamp": "closed",
    "manhole": "closed",
    "water": "closed",
    "railing": "closed",
    "same-bin": "closed",
    "outside": "refused",
    "smoke": "refused",
}
"""What the reporters of the scenes see in the end."""
