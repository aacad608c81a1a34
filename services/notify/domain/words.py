"""The words that a notice's placeholders stand for, in either language."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.cases import Case, CaseFact
from contracts.city import City, Wording
from contracts.credits import CreditFact
from contracts.facts import Fact
from contracts.notice_table import LANGUAGES, NoticeRow, NoticeText
from contracts.observers import ObserverFact
from contracts.places import grid_100m
from contracts.reports import PlaceAsked, ReportRefused

MOST_NOTE = 200
UNCATEGORISED = Wording("未分类", "uncategorised")
NOBODY = Wording("待定", "nobody yet")
UNSAID = Wording("未说明", "no reason given")
TIME = {"zh-CN": "%m月%d日 %H:%M", "en": "%Y-%m-%d %H:%M"}


def filled(row: NoticeRow, fact: Fact, city: City) -> dict[str, NoticeText]:
    """The row's texts with the fact's words, by language."""
    texts = {}
    for language in LANGUAGES:
        words = words_of(fact, city, language)
        text = row.texts[language]
        texts[language] = NoticeText(text.title.format_map(words), text.body.format_map(words))
    return texts


def words_of(fact: Fact, city: City, language: str) -> dict[str, str]:
    """Placeholder -> word, for every placeholder of the fact's topic."""
    if isinstance(fact, CaseFact):
        return _of_case(fact, city, language)
    if isinstance(fact, CreditFact):
        return {
            "points": str(abs(fact.points)),
            "balance": str(fact.balance),
            "reason": _reason(fact.reason, city, language),
            "voucher": getattr(fact, "voucher", ""),
            "strikes": str(getattr(fact, "strikes", "")),
        }
    if isinstance(fact, ObserverFact):
        return {
            "community": _place_name(getattr(fact, "community", None), city, language),
            "reason": _reason(getattr(fact, "reason", None), city, language),
        }
    if isinstance(fact, PlaceAsked | ReportRefused):
        reason = _reason(getattr(fact, "reason", None), city, language)
        return {"code": fact.code, "reason": reason}
    return {}


def _of_case(fact: CaseFact, city: City, language: str) -> dict[str, str]:
    case = fact.case
    category = city.category(case.category)
    return {
        "code": case.code,
        "category": (category.name if category else UNCATEGORISED).to(language),
        "owner": owner(case, city, language),
        "reason": _reason(fact.reason or case.refusal, city, language),
        "note": (fact.note or "")[:MOST_NOTE],
        "accept_by": _time(case.clocks.accept_by, city, language),
        "resolve_by": _time(case.clocks.resolve_by, city, language),
        "count": str(len(case.reports)),
        "place": "{:.4f}, {:.4f}".format(*grid_100m(case.place.lat, case.place.lon)),
    }


def owner(case: Case, city: City, language: str) -> str:
    """The name of who owns the case."""
    if case.department and case.department in city.departments:
        return city.departments[case.department].to(language)
    return _place_name(case.community, city, language)


def _place_name(code: str | None, city: City, language: str) -> str:
    if code is None:
        return NOBODY.to(language)
    division = city.divisions.get(code) or city.divisions.get(code.ljust(12, "0"))
    return division.name if division else code


def _reason(code: str | None, city: City, language: str) -> str:
    if code is None:
        return UNSAID.to(language)
    known = city.reason(code)
    return known.name.to(language) if known else code


def _time(at: datetime, city: City, language: str) -> str:
    local = at.astimezone(ZoneInfo(city.timezone))
    return local.strftime(TIME[language])
