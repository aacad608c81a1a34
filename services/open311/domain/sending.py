"""A posted form as a report: what is in it, what is wrong with it, which repeat it would be."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any

from contracts.city import Category, Question
from contracts.submissions import OPEN311_TEXT_CHARS
from services.open311.domain.faults import Fault, Faulty, faulty

Fields = Sequence[tuple[str, str]]

ATTRIBUTE = re.compile(r"^attribute\[([^\]]+)\](?:\[[^\]]*\])?$")
URL = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
OWN_IDS = (
    "service_request_id_ext",
    "external_id",
    "client_request_id",
    "attribute[external_id]",
    "attribute[fixmystreet_id]",
)
"""Where clients put an id of their own."""
PEOPLE = ("account_id", "email", "phone", "device_id", "deviceid")
NOT_SENT = {"api_key", "jurisdiction_id"}
MOST_URLS, MOST_URL, MOST_ADDRESS = 9, 2000, 400
MOST_ANSWERS, MOST_ANSWER = 20, 500
BODY_REPEAT_S, KEY_REPEAT_S = 24 * 3600, 30 * 24 * 3600


@dataclass(frozen=True)
class Posted:
    """A good form. `attributes` answer the category's questions; everything else was dropped."""

    category: Category
    text: str
    place: tuple[float, float] | None
    address: str | None
    address_id: str | None
    media_urls: tuple[str, ...]
    attributes: dict[str, list[str]] = field(default_factory=dict)


def given(fields: Fields, name: str) -> str:
    """The first value that is not empty, trimmed; an empty parameter is an absent one."""
    return next((text.strip() for key, text in fields if key == name and text.strip()), "")


def person(fields: Fields) -> str:
    """Whom the client names, by the first of the ids that it gives; empty when it names nobody."""
    found = ((name, given(fields, name)) for name in PEOPLE)
    return next((f"{name}:{text[:380]}" for name, text in found if text), "")


def posted(fields: Fields, category: Category, *, required: bool) -> Posted:
    """Raises Faulty with all that is wrong; `required`: the questions that are must be answered."""
    faults: list[Fault] = []

    def checked(part: Any) -> Any:
        try:
            return part(fields)
        except Faulty as error:
            faults.extend(error.faults)
            return None

    place = checked(_place)
    text = checked(_text)
    urls = checked(_urls)
    attributes = checked(lambda all_of: _attributes(all_of, category, required))
    address = checked(lambda all_of: _short(all_of, "address_string"))
    address_id = checked(lambda all_of: _short(all_of, "address_id"))
    if not faults and place is None and not address and not address_id:
        faults.append(
            Fault(
                "lat, long",
                "需要 lat 与 long，或 address_string，或 address_id",
                "give lat and long, or address_string, or address_id",
            )
        )
    if faults:
        raise Faulty(*faults)
    return Posted(
        category=category,
        text=text or category.name.zh,
        place=place,
        address=address or None,
        address_id=address_id or None,
        media_urls=urls,
        attributes=attributes,
    )


def repeat_key(client: str, fields: Fields, header: str, media: Sequence[str]) -> tuple[str, int]:
    """What a repeat of this request has in common with it, and for how many seconds.

    The client's Idempotency-Key, else its own id of the request, else the whole form.
    """
    if header:
        return _digest("header", client, header), KEY_REPEAT_S
    own = next(((name, text) for name in OWN_IDS if (text := given(fields, name))), None)
    if own is not None:
        return _digest("own", client, *own), KEY_REPEAT_S
    said = sorted([name, text] for name, text in fields if name not in NOT_SENT)
    return _digest("body", client, said, sorted(media)), BODY_REPEAT_S


def _digest(*parts: Any) -> str:
    text = json.dumps(parts, ensure_ascii=True)
    return f"open311/{hashlib.sha256(text.encode()).hexdigest()}"


def _place(fields: Fields) -> tuple[float, float] | None:
    texts = given(fields, "lat"), given(fields, "long") or given(fields, "lon")
    if not any(texts):
        return None
    return _degrees("lat", texts[0], 90), _degrees("long", texts[1], 180)


def _degrees(name: str, text: str, most: int) -> float:
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not isfinite(found) or abs(found) > most:
        raise faulty(name, f"不是 -{most} 到 {most} 度", f"is not -{most} to {most} degrees")
    return found


def _text(fields: Fields) -> str:
    found = given(fields, "description")
    if len(found) > OPEN311_TEXT_CHARS:
        most = OPEN311_TEXT_CHARS
        raise faulty("description", f"最多 {most} 字", f"has more than {most} characters")
    return found


def _short(fields: Fields, name: str) -> str:
    found = given(fields, name)
    if len(found) > MOST_ADDRESS:
        raise faulty(name, f"最多 {MOST_ADDRESS} 字", f"has more than {MOST_ADDRESS} characters")
    return found


def _urls(fields: Fields) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(t.strip() for k, t in fields if k == "media_url" and t.strip()))
    if len(found) > MOST_URLS:
        raise faulty("media_url", f"最多 {MOST_URLS} 个", f"comes more than {MOST_URLS} times")
    if any(len(each) > MOST_URL or not URL.fullmatch(each) for each in found):
        raise faulty("media_url", "不是 http(s) 地址", "is not an http(s) URL")
    return found


def _attributes(fields: Fields, category: Category, required: bool) -> dict[str, list[str]]:
    """Answers by question. What the category does not ask is no error, and is not kept."""
    answers: dict[str, list[str]] = {}
    for name, text in fields:
        found = ATTRIBUTE.match(name)
        if found and text.strip():
            answers.setdefault(found[1].strip(), []).append(text.strip())
    faults, kept = [], {}
    for question in category.questions:
        values = answers.get(question.code, [])
        if required and question.required and not values:
            faults.append(Fault(f"attribute[{question.code}]", "必填", "is required"))
        faults += list(_wrong(question, values))
        if values:
            kept[question.code] = [_key(question, each)[:MOST_ANSWER] for each in values]
    if faults:
        raise Faulty(*faults)
    return kept


def _wrong(question: Question, values: list[str]) -> Iterator[Fault]:
    name = f"attribute[{question.code}]"
    one = question.datatype != "multivaluelist"
    if len(values) > (1 if one else MOST_ANSWERS):
        yield Fault(name, "答案太多", "has too many values")
    for each in values[:MOST_ANSWERS]:
        if not _fits(question, each):
            yield Fault(name, "不在可选范围内", f"is no {question.datatype} of this service")
            return


def _fits(question: Question, text: str) -> bool:
    if question.datatype in ("singlevaluelist", "multivaluelist"):
        return _key(question, text) in {each.key for each in question.values}
    try:
        if question.datatype == "number":
            return isfinite(float(text))
        if question.datatype == "datetime":
            return bool(datetime.fromisoformat(text))
    except ValueError:
        return False
    return True


def _key(question: Question, text: str) -> str:
    """A choice's key, also when the client sends its name."""
    for each in question.values:
        if text in (each.key, each.name.zh, each.name.en):
            return each.key
    return text
