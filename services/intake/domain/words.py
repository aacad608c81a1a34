"""Which category a text speaks of: n-grams weighed as a multinomial naive Bayes model does.

Chinese is read in runs of one to three characters, other scripts by words, pairs of words and
pieces of four letters (for typing errors). What stands in reports of every kind (`anything`) counts
for every category and therefore for none. Learnt anew at every start from the city's phrases.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import exp, log, sqrt

from contracts.city import Phrases
from contracts.reports import Candidate
from services.intake.domain.categorise import category_of, folded

RUN = re.compile(r"[a-z]+|[^\W\da-z_]+")
CHINESE = {1: 0.25, 2: 1.0, 3: 1.0}
"""How much a run of so many characters says: one alone says little."""
PIECE, PIECE_WEIGHT = 4, 0.4
SMOOTHING = 0.05
COMMON = 1.5
"""What a sentence of `anything` counts in every category, against one of a category's own."""
SPREAD = 0.4
"""Confidence: the scores' difference is divided by this times the root of the number of n-grams,
which are anything but independent (docs/adr/0008)."""
SILENCE = 2.0
"""The score that a text about nothing has: what no category beats stays without one."""
ALIAS_BONUS = 8.0
"""What a word of the city's own lists adds to its category, or lifts a narrower one above."""
MOST_CHARS = 600
"""Reports begin with their matter: the rest is not read."""

Row = tuple[tuple[int, float], ...]


class Words:
    """A reader of texts, learnt from phrases. `aliases` maps lower-case words to codes."""

    def __init__(self, phrases: Phrases, aliases: Mapping[str, str]) -> None:
        self._codes = tuple(phrases.by_category)
        self._aliases = aliases
        self._narrower = phrases.narrower
        self._weights = _learn(phrases)

    def candidates(self, text: str, most: int = 3) -> tuple[Candidate, ...]:
        """The likeliest categories, best first; none for a text that tells nothing.

        Confidences are parts of 1 over all categories and "no category".
        """
        text = text[:MOST_CHARS]
        grams = n_grams(text)
        scores = [0.0] * len(self._codes)
        known = 0
        for gram in grams:
            if (row := self._weights.get(gram)) is not None:
                known += 1
                for at, weight in row:
                    scores[at] += weight
        if (alias := category_of(text, self._aliases)) is not None:
            scores[self._codes.index(alias)] += ALIAS_BONUS
        for general, words in self._narrower.items():
            if (code := category_of(text, words)) is not None:
                at, above = self._codes.index(code), scores[self._codes.index(general)]
                scores[at] = max(scores[at], above + ALIAS_BONUS)
        if not known or max(scores) < SILENCE:
            return ()
        return self._ranked(scores, SPREAD * sqrt(len(grams)), most)

    def _ranked(self, scores: Sequence[float], spread: float, most: int) -> tuple[Candidate, ...]:
        top = max(scores)
        parts = [exp((score - top) / spread) for score in scores]
        whole = sum(parts) + exp((SILENCE - top) / spread)
        best = sorted(range(len(parts)), key=lambda at: (-parts[at], at))[:most]
        return tuple(Candidate(self._codes[at], round(parts[at] / whole, 3)) for at in best)


def n_grams(text: str) -> set[str]:
    """What is counted of a text. Words of other scripts stand between spaces."""
    found: set[str] = set()
    words: list[str] = []
    for match in RUN.finditer(folded(text)):
        run = match[0]
        if run.isascii():
            words.append(run)
            spaced = f" {run} "
            found.add(spaced)
            found.update(spaced[at : at + PIECE] for at in range(len(spaced) - PIECE + 1))
        else:
            for size in CHINESE:
                found.update(run[at : at + size] for at in range(len(run) - size + 1))
    found.update(f"{first} {second}" for first, second in pairwise(words))
    return found


def _weight(gram: str) -> float:
    if not gram.isascii():
        return CHINESE[len(gram)]
    is_word = " " in gram[1:-1] or (gram[0] == gram[-1] == " ")
    return 1.0 if is_word else PIECE_WEIGHT


def _learn(phrases: Phrases) -> dict[str, Row]:
    """For each n-gram: by how much it raises the score of the categories that have it."""
    counts: dict[str, dict[int, float]] = defaultdict(dict)
    totals: list[float] = []
    for at, lines in enumerate(phrases.by_category.values()):
        own = _counted(lines)
        totals.append(sum(own.values()))
        for gram, count in own.items():
            counts[gram][at] = count
    common = _counted(phrases.anything)
    mean = sum(totals) / len(totals)
    scale = [sqrt(mean / total) for total in totals]
    weights = {}
    for gram, row in counts.items():
        rates = {at: count * scale[at] for at, count in row.items()}
        floor = COMMON * common.get(gram, 0.0) + SMOOTHING
        weight = _weight(gram)
        weights[gram] = tuple(
            (at, weight * log((rate + floor) / floor)) for at, rate in rates.items()
        )
    return weights


def _counted(lines: Iterable[Sequence[str]]) -> dict[str, float]:
    """A line counts the root of its sentences, in whatever of its sentences an n-gram stands."""
    counts: dict[str, float] = defaultdict(float)
    for sentences in lines:
        each = 1 / sqrt(len(sentences))
        for sentence in sentences:
            for gram in n_grams(sentence):
                counts[gram] += each
    return counts
