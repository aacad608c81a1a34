"""`python -m bench.matters [SEED...]`: how well duplicates are found, where the truth is known.

Every scene is a case and a report that comes after it. Either they are one matter (half of the
scenes), or two that are easily taken for one: two lamps, covers or trees 15 m apart, the same
thing again after it was mended, or (the rest) two things of a family that stand further apart. Each
place is wrong by 5 to 30 m; some devices say by how much, roughly. Texts are made of the city's own
phrases, of names that are drawn for each spot, and of what may be written on a thing.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import cos, pi, radians, sin
from typing import Literal

import msgspec
import shapely

from cities.areas import Areas, load_areas
from cities.cells import cell, cells_touching_circle
from cities.load import load_city
from cities.phrases import load_phrases
from contracts.cases import CaseState
from contracts.city import City, Phrases
from contracts.places import METRES_PER_DEG_LAT
from services.dispatch.adapters.city import Ordinary, ordinary
from services.dispatch.domain.duplicates import Candidate, Match, Sighting, compare

Truth = Literal["same", "beside", "mended", "further"]
"""One matter; another one next to it; the same thing again after it was closed; further away."""
SHARES: Mapping[Truth, float] = {"same": 0.50, "beside": 0.15, "mended": 0.18, "further": 0.17}
Border = Literal["cell", "community"]
BORDERS: Mapping[int, Border] = {0: "cell", 4: "community"}
"""Of eight scenes."""
HARD: Set[Truth] = {"beside", "mended"}
DENSE = ("01037", "01023", "04002")
"""Lamps, covers, trees: what stands in rows."""
OFTEN = {
    "06042": 18,  # bins
    "06010": 20,  # rubbish
    "06014": 6,  # spillage
    "06013": 8,  # road surface
    "09011": 8,  # bikes
    "09009": 6,  # parked cars
    "L-0406": 4,  # water-logging
    "07001": 4,  # posters
    "02017": 4,  # railings
    "01037": 8,
    "01023": 8,
    "04002": 6,
}
"""Reports of each category among a hundred."""
FURTHER_M = {"06014": (120.0, 340.0), "L-0406": (300.0, 700.0)}
FURTHER_ELSE_M = (60.0, 220.0)
"""How far apart two matters of a category are that stand further; no rule decides that."""
NEAR_M, FAR_M = 5.0, 30.0
CENTRE = (34.23, 108.94)
SPREAD_M = 6000.0
SYLLABLES = (
    "安宝长成大德丰广桂海和宏华汇嘉锦景康丽龙明南宁平青荣瑞盛泰天文西祥欣兴雅永玉元源云泽正中"
)
KINDS = ("超市门口", "药店旁边", "小学对面", "公交站旁", "银行楼下", "幼儿园门口", "面馆前面")
NUMBERED = {"01037": 0.4, "01023": 0.2, "06042": 0.1}
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Scene:
    """What is known of a pair, and what came of it. `case` is there when `report` arrives."""

    truth: Truth
    category: str
    case: Candidate
    report: Sighting
    same_photo: bool
    crosses: bool


@dataclass(frozen=True)
class _Thing:
    lat: float
    lon: float
    category: str
    names: tuple[str, ...]
    number: str | None
    row: str


class Pairs:
    """Scenes by a seed."""

    def __init__(self, seed: int, city: City, areas: Areas, phrases: Phrases) -> None:
        self._chance = random.Random(seed)
        self._city, self._areas, self._phrases = city, areas, phrases
        self._corners = [
            (float(lat), float(lon))
            for code in self._chance.sample(sorted(areas.communities), 60)
            for lon, lat in shapely.get_coordinates(shapely.from_geojson(areas.outline(code)))
        ]

    def scenes(self, count: int) -> Iterator[Scene]:
        """So many, one like the other."""
        kinds = list(SHARES)
        for at in range(count):
            truth = self._chance.choices(kinds, list(SHARES.values()))[0]
            yield self._scene(truth, BORDERS.get(at % 8))

    def _scene(self, truth: Truth, border: Border | None) -> Scene:
        chance = self._chance
        category = self._category(truth)
        one = self._thing(category, border)
        other = self._other(one, truth)
        seen = datetime(2026, 5, 4, 3, 0, tzinfo=UTC) + timedelta(days=chance.uniform(0, 60))
        rule = self._city.rule(self._city.family(category))
        later = seen + timedelta(hours=chance.uniform(0.01, 0.9) * rule.window_h)
        first, second = self._seen(one, seen), self._seen(other, later)
        # After it was mended the case is over; nothing else tells it from the one before.
        state: CaseState = "closed" if truth == "mended" else "assigned"
        values = msgspec.structs.asdict(first)
        at = values.pop("at")
        case = Candidate(id="case", state=state, opened_at=at, active_at=at, code="C", **values)
        photo = truth == "same" and chance.random() < 0.1
        return Scene(truth, category, case, second, photo, self._crosses(case, second))

    def _crosses(self, case: Candidate, report: Sighting) -> bool:
        """Whether the two are in different cells, or in different communities."""
        points = [(each.lat, each.lon) for each in (case, report)]
        one, other = (cell(*each, self._city.h3_resolution) for each in points)
        here, there = self._areas.communities_at(points)
        return one != other or (here and here.code) != (there and there.code)

    def _category(self, truth: Truth) -> str:
        if truth == "beside":
            return self._chance.choice(DENSE)
        return self._chance.choices(list(OFTEN), list(OFTEN.values()))[0]

    def _thing(self, category: str, border: Border | None) -> _Thing:
        chance = self._chance
        lat, lon = self._spot()
        if border == "community":
            lat, lon = chance.choice(self._corners)
        while border == "cell" and not self._on_cells(lat, lon):
            lat, lon = self._spot()
        road = "".join(chance.choices(SYLLABLES, k=2)) + chance.choice("东西南北中") + "路"
        shop = "".join(chance.choices(SYLLABLES, k=2)) + chance.choice(KINDS)
        return _Thing(lat, lon, category, (road, shop), self._number(category), self._row())

    def _spot(self) -> tuple[float, float]:
        return _moved(*CENTRE, *(self._chance.uniform(-SPREAD_M, SPREAD_M) for _ in "xy"))

    def _on_cells(self, lat: float, lon: float) -> bool:
        return len(cells_touching_circle(lat, lon, 8.0, self._city.h3_resolution)) > 1

    def _number(self, category: str) -> str | None:
        has = self._chance.random() < NUMBERED.get(category, 0.0)
        return f"编号{self._chance.randrange(1000, 99999)}" if has else None

    def _row(self) -> str:
        return self._chance.choice(["路东侧", "路西侧", "路南侧", "路北侧"])

    def _other(self, one: _Thing, truth: Truth) -> _Thing:
        """The same thing, or another one: next to it the names are mostly the same."""
        if truth in ("same", "mended"):
            return one
        chance = self._chance
        further = FURTHER_M.get(one.category, FURTHER_ELSE_M)
        metres = chance.uniform(*((14.0, 16.0) if truth == "beside" else further))
        lat, lon = _away(one.lat, one.lon, metres, chance)
        other = self._thing(one.category, None)
        road = one.names[0]
        shop = one.names[1] if truth == "beside" and chance.random() < 0.7 else other.names[1]
        row = one.row if chance.random() < 0.6 else other.row
        return _Thing(lat, lon, one.category, (road, shop), other.number, row)

    def _seen(self, thing: _Thing, at: datetime) -> Sighting:
        chance = self._chance
        wrong_m = chance.uniform(NEAR_M, FAR_M)
        lat, lon = _away(thing.lat, thing.lon, wrong_m, chance)
        said = wrong_m * chance.uniform(0.7, 1.5) if chance.random() < 0.7 else None
        text = self._text(thing) if chance.random() < 0.8 else None
        return Sighting(lat, lon, self._city.family(thing.category), at, said, text)

    def _text(self, thing: _Thing) -> str:
        chance = self._chance
        lines = self._phrases.by_category[thing.category]
        what = chance.choice([text for line in lines for text in line if not text.isascii()])
        names = [name for name in thing.names if chance.random() < 0.45]
        row = [thing.row] if chance.random() < 0.2 else []
        number = [thing.number] if thing.number and chance.random() < 0.6 else []
        return "，".join(["".join([*names, *row, what]), *number])


@dataclass(frozen=True)
class Judged:
    """How a scene came out: the case was joined, or shown to the handler, or neither."""

    scene: Scene
    joined: bool
    suggested: bool


def judge(scenes: Sequence[Scene], city: City, known: Ordinary) -> list[Judged]:
    """By what dispatch asks of each."""
    return [_judged(each, _best(each, city, known)) for each in scenes]


def _best(scene: Scene, city: City, known: Ordinary) -> Match | None:
    rule = city.rule(scene.report.family)
    at = scene.report.lat, scene.report.lon, rule.reach_m, city.h3_resolution
    there = cell(scene.case.lat, scene.case.lon, city.h3_resolution)
    found = [scene.case] if there in cells_touching_circle(*at) else []
    photographed = scene.case.id if scene.same_photo else None
    words = known.get(scene.report.family, frozenset())
    return next(iter(compare(scene.report, found, rule, words, photographed)), None)


def _judged(scene: Scene, best: Match | None) -> Judged:
    joined = best is not None and best.joins
    return Judged(scene, joined, best is not None and not joined)


@dataclass(frozen=True)
class Figures:
    """Shares of 1. `precision`: of the joined, those that are one matter; `recall`: of those that
    are one, the joined; `found`: of those that are one, the joined and the suggested."""

    scenes: int
    hard: float
    crossing: float
    precision: float
    recall: float
    found: float
    told_apart: float


def figures(judged: Sequence[Judged]) -> Figures:
    """Of all scenes."""
    same = [each for each in judged if each.scene.truth == "same"]
    joined = [each for each in judged if each.joined]
    right = sum(each.scene.truth == "same" for each in joined)
    others = [each for each in judged if each.scene.truth != "same"]
    return Figures(
        scenes=len(judged),
        hard=sum(each.scene.truth in HARD for each in judged) / len(judged),
        crossing=sum(each.scene.crosses for each in judged) / len(judged),
        precision=right / max(1, len(joined)),
        recall=right / len(same),
        found=sum(each.joined or each.suggested for each in same) / len(same),
        told_apart=sum(not each.joined for each in others) / len(others),
    )


def _moved(lat: float, lon: float, north_m: float, east_m: float) -> tuple[float, float]:
    return (
        lat + north_m / METRES_PER_DEG_LAT,
        lon + east_m / (METRES_PER_DEG_LAT * cos(radians(lat))),
    )


def _away(lat: float, lon: float, metres: float, chance: random.Random) -> tuple[float, float]:
    turn = chance.uniform(0, 2 * pi)
    return _moved(lat, lon, metres * sin(turn), metres * cos(turn))


def main(seeds: Sequence[int]) -> None:
    """Prints a table of the figures of each seed, then of each truth."""
    city = load_city("xian")
    phrases = load_phrases("xian", city)
    areas, known = load_areas("xian"), ordinary(city, phrases)
    print("| seed | scenes | hard | crossing | precision | recall | found | told apart |")
    print("|---|---|---|---|---|---|---|---|")
    everything: list[Judged] = []
    for seed in seeds:
        judged = judge(list(Pairs(seed, city, areas, phrases).scenes(4000)), city, known)
        everything += judged
        one = figures(judged)
        shares = (one.hard, one.crossing, one.precision, one.recall, one.found, one.told_apart)
        print(f"| {seed} | {one.scenes} | " + " | ".join(f"{each:.3f}" for each in shares) + " |")
    print("\n| truth | family | n | joined | suggested |\n|---|---|---|---|---|")
    count = Counter((each.scene.truth, each.scene.report.family) for each in everything)
    for (truth, family), n in sorted(count.items()):
        own = [e for e in everything if (e.scene.truth, e.scene.report.family) == (truth, family)]
        joined = sum(each.joined for each in own) / n
        shown = sum(each.suggested for each in own) / n
        print(f"| {truth} | {family} | {n} | {joined:.3f} | {shown:.3f} |")


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or SEEDS)
