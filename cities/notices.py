"""Reads notices.yaml: who hears what, in which words, checked against the events that exist."""

from __future__ import annotations

from string import Formatter

from cities.folder import city_folder
from cities.marked import Marked
from cities.rows import NoticesFile, TextRow, ToldRow
from contracts.notice_table import (
    ASKED,
    CONDITIONS,
    LANGUAGES,
    PLACEHOLDERS,
    PRIVATE,
    RECIPIENTS,
    NoticeRow,
    NoticeTable,
    NoticeText,
)
from contracts.topics import FACT, TOPIC, TOPIC_OF

FILE = "notices.yaml"
MOST_TITLE = 60
MOST_BODY = 400


def load_notices(name_or_path: str) -> NoticeTable:
    """The city's table of notices; CityError is "file:line: reason"."""
    return read_notices(Marked(city_folder(name_or_path) / FILE))


def read_notices(marked: Marked) -> NoticeTable:
    """The checked table; CityError at the line of what is wrong."""
    file = marked.to(NoticesFile)
    rows: dict[str, list[NoticeRow]] = {}
    for at, row in enumerate(file.notices):
        rows.setdefault(row.event, []).append(_row(marked, f"$.notices[{at}]", row))
    cases = {fact.__name__ for fact in TOPIC["cases"].events}
    for at, event in enumerate(file.webhooks):
        if event not in cases:
            raise marked.error(f"$.webhooks[{at}]", f"{event} is no event on topic cases")
    if len(set(file.webhooks)) != len(file.webhooks):
        raise marked.error("$.webhooks", "an event stands here twice")
    return NoticeTable(
        rows={event: tuple(found) for event, found in rows.items()},
        webhooks=frozenset(file.webhooks),
    )


def _row(marked: Marked, path: str, row: ToldRow) -> NoticeRow:
    fact = FACT.get(row.event)
    topic = TOPIC_OF[fact].name if fact else ""
    if topic not in RECIPIENTS:
        raise marked.error(f"{path}.event", f"{row.event} is no event that notify hears")
    if not row.to:
        raise marked.error(f"{path}.to", "nobody is named")
    for at, who in enumerate(row.to):
        if who not in RECIPIENTS[topic]:
            known = ", ".join(sorted(RECIPIENTS[topic]))
            raise marked.error(f"{path}.to[{at}]", f"{who} is none of {known}")
    if not ASKED.isdisjoint(row.to) and not ASKED.issuperset(row.to):
        raise marked.error(f"{path}.to", "those who subscribed have a row of their own")
    return NoticeRow(
        event=row.event,
        to=tuple(row.to),
        when=_when(marked, f"{path}.when", row, topic),
        urgent=row.urgent,
        texts=_texts(marked, path, row, topic),
    )


def _when(marked: Marked, path: str, row: ToldRow, topic: str) -> dict[str, tuple[str, ...]]:
    when: dict[str, tuple[str, ...]] = {}
    for name, values in row.when.items():
        if name not in CONDITIONS[topic]:
            known = ", ".join(sorted(CONDITIONS[topic]))
            raise marked.error(f"{path}.{name}", f"condition {name} is none of {known}")
        if not values:
            raise marked.error(f"{path}.{name}", f"condition {name} lets nothing through")
        when[name] = tuple(values)
    return when


def _texts(marked: Marked, path: str, row: ToldRow, topic: str) -> dict[str, NoticeText]:
    texts: dict[str, NoticeText] = {}
    for language in LANGUAGES:
        text = row.texts.get(language)
        if text is None:
            raise marked.error(f"{path}.texts", f"{row.event} has no text in {language}")
        where = f"{path}.texts.{language}"
        words = PLACEHOLDERS[topic] if ASKED.isdisjoint(row.to) else PLACEHOLDERS[topic] - PRIVATE
        _check_text(marked, f"{where}.title", text.title, words, MOST_TITLE)
        _check_text(marked, f"{where}.body", text.body, words, MOST_BODY)
        texts[language] = _text(text)
    for language in row.texts:
        if language not in LANGUAGES:
            raise marked.error(f"{path}.texts.{language}", f"{language} is no language of ours")
    return texts


def _text(row: TextRow) -> NoticeText:
    return NoticeText(row.title, row.body)


def _check_text(marked: Marked, path: str, text: str, words: frozenset[str], most: int) -> None:
    if not text.strip() or len(text) > most:
        raise marked.error(path, f"a text has 1 to {most} characters")
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise marked.error(path, f"braces: {error}") from error
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if name not in words:
            known = ", ".join(sorted(words))
            raise marked.error(path, f"placeholder {{{name}}} is none of {known}")
        if form or conversion:
            raise marked.error(path, f"placeholder {{{name}}} takes no format")
