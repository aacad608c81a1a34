"""A device's facts as those of the person whom the device joined."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from contracts.cases import Case, CaseChecked, CaseFact
from contracts.facts import Actor, Fact
from contracts.notices import NoticeFact
from contracts.observers import ObserverFact


def relinked(fact: Fact, links: Mapping[str, str]) -> Fact:
    """The fact with a device's reporter replaced by the person's; news of observers stay."""
    if isinstance(fact, ObserverFact):
        return fact
    if isinstance(fact, CaseFact):
        by, case = fact.by, case_relinked(fact.case, links)
        if by.role == "reporter" and by.id in links:
            by = Actor("reporter", links[by.id])
        if isinstance(fact, CaseChecked) and fact.reporter_id in links:
            return replace(fact, case=case, by=by, reporter_id=links[fact.reporter_id])
        return replace(fact, case=case, by=by)
    if isinstance(fact, NoticeFact):
        return replace(fact, recipient_id=links.get(fact.recipient_id, fact.recipient_id))
    if reporter_id := getattr(fact, "reporter_id", None):
        return replace(fact, reporter_id=links.get(reporter_id, reporter_id))
    return fact


def case_relinked(case: Case, links: Mapping[str, str]) -> Case:
    """The same of a case's reports."""
    reports = tuple(
        replace(each, reporter_id=links.get(each.reporter_id, each.reporter_id))
        for each in case.reports
    )
    return replace(case, reports=reports)
