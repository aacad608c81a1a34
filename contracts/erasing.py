"""What is left of a fact once people are forgotten: nothing, or the part that is not theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar

from msgspec.structs import replace

from contracts.cases import Case, CaseChecked, CaseDisputed, CaseFact
from contracts.facts import Actor, Fact
from contracts.notices import NoticeFact
from contracts.observers import DeviceLinked, ObserverErased

ERASED = "erased"
"""Stands where the id of an erased reporter stood."""

C = TypeVar("C", bound=CaseFact)


def people_of(fact: Fact) -> Iterator[str]:
    """Ids of those whom the fact speaks of, people or not (a shared recipient, the system)."""
    if isinstance(fact, CaseFact):
        yield fact.by.id
        yield from (each.reporter_id for each in fact.case.reports)
        if isinstance(fact, CaseChecked):
            yield fact.reporter_id
    elif isinstance(fact, NoticeFact):
        yield from (fact.recipient_id, fact.about)
    elif reporter_id := getattr(fact, "reporter_id", None):
        yield reporter_id
        if isinstance(fact, DeviceLinked):
            yield fact.from_reporter_id


def without(fact: Fact, erased: Collection[str]) -> Fact | None:
    """The fact without what belongs to these people; None when all of it does.

    That somebody was erased stays said. A case stays too: it is the city's matter.
    """
    if isinstance(fact, ObserverErased):
        return fact
    if isinstance(fact, CaseFact):
        return _case_fact(fact, erased)
    return None if any(each in erased for each in people_of(fact)) else fact


def case_without(case: Case, erased: Collection[str]) -> Case:
    """The case without the ids, words and pictures of erased reporters; the others' stay."""
    gone = [each for each in case.reports if each.reporter_id in erased]
    if not gone:
        return case
    first_is_gone = case.reports[0].reporter_id in erased
    # A case from before reports named their share: all of it counts as the first one's.
    unnamed = not any(each.media or each.told for each in case.reports)
    theirs = {each for report in gone for each in report.media}
    media = () if unnamed and first_is_gone else case.media
    told = any(each.told for each in gone) or (unnamed and first_is_gone)
    return replace(
        case,
        reports=tuple(
            replace(each, reporter_id=ERASED, media=(), told=False) if each in gone else each
            for each in case.reports
        ),
        media=tuple(each for each in media if each.id not in theirs),
        text=None if told else case.text,
    )


def _case_fact(fact: C, erased: Collection[str]) -> C:
    case = case_without(fact.case, erased)
    if case is not fact.case:
        fact = replace(fact, case=case)
    if fact.by.role == "reporter" and fact.by.id in erased:
        fact = replace(fact, by=Actor("reporter", ERASED), note=None)
        if isinstance(fact, CaseDisputed | CaseChecked):
            fact = replace(fact, media=())
    if isinstance(fact, CaseChecked) and fact.reporter_id in erased:
        fact = replace(fact, reporter_id=ERASED, media=())
    return fact
