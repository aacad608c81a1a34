"""Reads phrases.yaml: how people speak of each category, as lines that are multiplied out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from cities.folder import city_folder
from cities.marked import Marked
from cities.rows import PhrasesFile, WordsRow
from contracts.city import City, Phrases

FILE = "phrases.yaml"
CHOICE = re.compile(r"\(([^()]*)\)")
SLOT = re.compile(r"<(\w+)>")
MARKS = frozenset("()<>|")
TURNS = 2
"""How often a line's longest choice goes round: enough sentences, and none of millions."""


def load_phrases(name_or_path: str, city: City) -> Phrases:
    """The city's phrases, its aliases and names among them; CityError is "file:line: reason".

    A city need not have the file: then aliases and names are all there is.
    """
    named = {
        each.code: _named(each.aliases, each.name.zh, each.name.en) for each in city.categories
    }
    file = city_folder(name_or_path) / FILE
    if not file.is_file():
        return Phrases(by_category=named, anything=())
    marked = Marked(file)
    rows = marked.to(PhrasesFile)
    for code in rows.categories:
        if code not in named:
            raise marked.error(f"$.categories.{code}", f"{code} is no category")
    for general, codes in rows.narrower.items():
        for code in (general, *codes):
            if code not in named:
                raise marked.error(f"$.narrower.{general}", f"{code} is no category")
    lines = _Lines(marked, rows.slots)
    spoken = {code: lines.of(f"$.categories.{code}", row) for code, row in rows.categories.items()}
    return Phrases(
        by_category={code: (*spoken.get(code, ()), *named[code]) for code in named},
        anything=lines.of("$.anything", rows.anything),
        narrower={
            general: {
                word.lower(): code
                for code, own in codes.items()
                for at, line in enumerate(own)
                for word in lines.all_of(f"$.narrower.{general}.{code}[{at}]", line)
            }
            for general, codes in rows.narrower.items()
        },
    )


def _named(aliases: Sequence[str], *names: str) -> tuple[tuple[str, ...], ...]:
    return tuple((each,) for each in (*names, *aliases))


class _Lines:
    """Turns lines with choices and slots into sentences."""

    def __init__(self, marked: Marked, slots: dict[str, str]) -> None:
        self._marked, self._slots = marked, slots

    def of(self, path: str, row: WordsRow) -> tuple[tuple[str, ...], ...]:
        """The sentences of every line of both languages."""
        return tuple(
            _mixed(self._split(f"{path}.{language}[{at}]", line))
            for language, lines in (("zh", row.zh), ("en", row.en))
            for at, line in enumerate(lines)
        )

    def all_of(self, path: str, line: str) -> tuple[str, ...]:
        """Everything that the line can be."""
        return tuple("".join(each) for each in product(*self._split(path, line)))

    def _split(self, path: str, line: str) -> list[tuple[str, ...]]:
        parts = [
            self._choices(path, text) if is_choice else (text,) for text, is_choice in _parts(line)
        ]
        if any(MARKS & set(word) for part in parts for word in part):
            raise self._marked.error(path, f"brackets do not match in {line!r}")
        return parts

    def _choices(self, path: str, text: str) -> tuple[str, ...]:
        for name in SLOT.findall(text):
            if name not in self._slots:
                raise self._marked.error(path, f"there is no slot {name}")
        return tuple(SLOT.sub(lambda found: self._slots[found[1]], text).split("|"))


def _parts(line: str) -> list[tuple[str, bool]]:
    """Text and what stands in brackets, in turn; a bare slot is a choice too."""
    whole = re.sub(r"<\w+>(?![^(]*\))", lambda found: f"({found[0]})", line)
    return [(text, bool(at % 2)) for at, text in enumerate(CHOICE.split(whole))]


def _mixed(parts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Sentences in which every word turns up, in changing company; not all that are possible."""
    longest = max(len(part) for part in parts)
    sentences = (
        "".join(
            part[(at + at // len(part) * (place + 1) + 3 * place) % len(part)]
            for place, part in enumerate(parts)
        )
        for at in range(TURNS * longest)
    )
    return tuple(dict.fromkeys(sentences))
