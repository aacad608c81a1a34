"""Reads categories.yaml: what can be reported, by which words, and within which limits."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from cities.marked import Marked
from cities.rows import CategoriesFile, CategoryRow, DeadlineRow, QuestionRow
from contracts.city import (
    MINUTES_A_DAY,
    OTHER,
    Category,
    Choice,
    Deadline,
    Question,
    Window,
    Wording,
)

MOST = 100_000  # minutes, hours or days: more is a slip of the pen
WINDOW = re.compile(r"^([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)$")


class Categories(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that categories.yaml says; `aliases` are lower-case and lead to one code each."""

    groups: tuple[Wording, ...]
    departments: dict[str, Wording]
    categories: tuple[Category, ...]
    aliases: dict[str, str]
    filed_under: dict[str, Category]


def read_categories(marked: Marked, family_of: Mapping[str, str]) -> Categories:
    """Checked categories, each in its family; CityError at the line of what is wrong."""
    rows = marked.to(CategoriesFile)
    groups = {row.name_zh: row.wording() for row in rows.groups}
    departments = {row.code: row.wording() for row in rows.departments}
    categories = []
    for at, row in enumerate(rows.categories):
        path = f"$.categories[{at}]"
        if row.group not in groups:
            raise marked.error(f"{path}.group", f"there is no group {row.group}")
        if row.department not in departments:
            raise marked.error(f"{path}.department", f"there is no department {row.department}")
        if row.code not in family_of:
            raise marked.error(f"{path}.code", f"{row.code} has no family in duplicates.yaml")
        if row.reward_points < 0:
            raise marked.error(f"{path}.reward_points", "points must not be negative")
        categories.append(_category(marked, path, row, groups[row.group], family_of[row.code]))
    return Categories(
        groups=tuple(groups.values()),
        departments=departments,
        categories=tuple(categories),
        aliases=_aliases(marked, rows.categories),
        filed_under=_filed_under(marked, categories),
    )


def _category(marked: Marked, path: str, row: CategoryRow, group: Wording, family: str) -> Category:
    return Category(
        code=row.code,
        name=row.wording(),
        group=group,
        department=row.department,
        family=family,
        deadline=_deadline(marked, f"{path}.deadline", row.deadline),
        danger=row.danger,
        reward_points=row.reward_points,
        aliases=(*row.aliases_zh, *row.aliases_en),
        questions=_questions(marked, f"{path}.questions", row.questions),
        covers=tuple(row.covers),
    )


def _deadline(marked: Marked, path: str, row: DeadlineRow) -> Deadline:
    if (row.resolve_hours is None) == (row.resolve_workdays is None):
        raise marked.error(path, "set exactly one of resolve_hours and resolve_workdays")
    for field in ("accept_minutes", "make_safe_hours", "resolve_hours", "resolve_workdays"):
        value = getattr(row, field)
        if value is not None and not 0 < value <= MOST:
            raise marked.error(f"{path}.{field}", f"{field} must be more than 0, up to {MOST}")
    return Deadline(
        accept_minutes=row.accept_minutes,
        make_safe_hours=row.make_safe_hours,
        resolve_hours=row.resolve_hours,
        resolve_workdays=row.resolve_workdays,
        window=_window(marked, f"{path}.window", row.window),
        basis=row.basis,
    )


def _window(marked: Marked, path: str, text: str | None) -> Window | None:
    if text is None:
        return None
    found = WINDOW.match(text)
    if not found:
        raise marked.error(path, f"{text!r} is not hours like 07:00-21:00")
    start_h, start_m, end_h, end_m = map(int, found.groups())
    window = Window(start_h * 60 + start_m, end_h * 60 + end_m)
    if not 0 <= window.start_min < window.end_min <= MINUTES_A_DAY:
        raise marked.error(path, f"{text} does not open before it closes on one day")
    return window


def _questions(marked: Marked, path: str, rows: list[QuestionRow]) -> tuple[Question, ...]:
    questions = []
    for at, row in enumerate(rows):
        if row.datatype.endswith("list") != bool(row.values):
            raise marked.error(f"{path}[{at}]", "values belong to a list, and a list has values")
        questions.append(
            Question(
                code=row.code,
                datatype=row.datatype,
                required=row.required,
                description=Wording(row.description_zh, row.description_en),
                values=tuple(Choice(each.key, each.wording()) for each in row.values),
            )
        )
    return tuple(questions)


def _aliases(marked: Marked, rows: list[CategoryRow]) -> dict[str, str]:
    """Every alias, English in lower case; no alias may belong to two codes."""
    owner: dict[str, str] = {}
    for at, row in enumerate(rows):
        for field in ("aliases_zh", "aliases_en"):
            for number, alias in enumerate(getattr(row, field)):
                word = alias.strip().lower()
                path = f"$.categories[{at}].{field}[{number}]"
                if not word:
                    raise marked.error(path, "an alias is empty")
                if owner.setdefault(word, row.code) != row.code:
                    raise marked.error(path, f"alias {alias} belongs to {owner[word]} already")
    return owner


def _filed_under(marked: Marked, categories: list[Category]) -> dict[str, Category]:
    """Each code, and each code that is covered, with the category that takes it."""
    filed: dict[str, Category] = {}
    for at, category in enumerate(categories):
        if category.code in filed:
            raise marked.error(f"$.categories[{at}].code", f"{category.code} stands here twice")
        filed[category.code] = category
    for at, category in enumerate(categories):
        for number, code in enumerate(category.covers):
            if filed.setdefault(code, category) is not category:
                path = f"$.categories[{at}].covers[{number}]"
                raise marked.error(path, f"{code} is filed under {filed[code].code} already")
    if OTHER not in filed:
        raise marked.error("$.categories", f"category {OTHER} (other) is missing")
    return filed
