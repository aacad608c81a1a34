"""`python -m bench.words`: how well and how fast the words of real reports lead to a category.

Reads `report_texts.jsonl` (one JSON object a line: text, lang, code) from the folder that
YIZHAN_SHARED_DATA names, else from ../shared/data. The texts are not part of the repository, and
nothing learns from them.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from cities.load import load_city
from cities.phrases import load_phrases
from contracts.city import City
from services.intake.domain.categorise import read_category
from services.intake.domain.words import Words

FILE = "report_texts.jsonl"
ROUNDS = 20


def main() -> None:
    """Prints a Markdown table. Exit code 0, also when the texts are not there (and says so)."""
    home = Path(__file__).resolve().parents[2] / "shared/data"
    file = Path(os.environ.get("YIZHAN_SHARED_DATA", home)) / FILE
    if not file.is_file():
        print(f"skipped: {file} is not there", file=sys.stderr)
        return
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    city = load_city("xian")
    before_mb, began = _peak_mb(), time.perf_counter()
    words = Words(load_phrases("xian", city), city.aliases)
    learnt_s = time.perf_counter() - began
    _accuracy(rows, city, words)
    began = time.perf_counter()
    for _ in range(ROUNDS):
        for row in rows:
            words.candidates(row["text"])
    each_ms = (time.perf_counter() - began) * 1000 / (ROUNDS * len(rows))
    print(f"\nlearnt in {learnt_s:.2f} s, {each_ms:.2f} ms a report, ", end="")
    print(f"{_peak_mb() - before_mb:.0f} MB more, {_peak_mb():.0f} MB in all")


def _accuracy(rows: list[dict[str, str]], city: City, words: Words) -> None:
    print("| texts | n | top-1 | top-3 | decided | decided rightly |\n|---|---|---|---|---|---|")
    _line("all", rows, city, words)
    for language in ("zh", "en"):
        _line(language, [row for row in rows if row["lang"] == language], city, words)
    families = sorted({city.family(row["code"]) for row in rows})
    for family in families:
        _line(family, [row for row in rows if city.family(row["code"]) == family], city, words)


def _line(name: str, rows: list[dict[str, str]], city: City, words: Words) -> None:
    first, three, decided, rightly = [], [], [], []
    for row in rows:
        found = read_category(None, row["text"], city, words.candidates)
        codes = [each.category for each in words.candidates(row["text"])]
        first.append(codes[:1] == [row["code"]])
        three.append(row["code"] in codes)
        decided.append(found.code is not None)
        rightly.append(found.code == row["code"])
    shares = " | ".join(f"{_share(each):.3f}" for each in (first, three, decided, rightly))
    print(f"| {name} | {len(rows)} | {shares} |")


def _share(said: Iterable[bool]) -> float:
    all_said = list(said)
    return sum(all_said) / max(len(all_said), 1)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
