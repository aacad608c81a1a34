"""When a row of the table of actions holds, beside state and role: conditions by name."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.cases import Case
from contracts.city import City

MOST_REPORTS = 500
"""A case with so many reports takes no more: its events would outgrow a Kafka record."""


def always(case: Case, now: datetime, city: City) -> bool:
    return True


def not_disputed_yet(case: Case, now: datetime, city: City) -> bool:
    return not case.disputed_once


def first_reopening_in_time(case: Case, now: datetime, city: City) -> bool:
    if case.round > 1 or case.closed_at is None:
        return False
    return now - case.closed_at <= timedelta(days=city.reopen_within_days)


def has_no_objection_left(case: Case, now: datetime, city: City) -> bool:
    if case.resolved_at is None or case.proof_flags:
        return False
    return now - case.resolved_at >= timedelta(hours=city.verify_after_h)


def not_made_safe(case: Case, now: datetime, city: City) -> bool:
    return case.made_safe_at is None


def no_extension_asked(case: Case, now: datetime, city: City) -> bool:
    return case.extension_h is None


def extension_asked(case: Case, now: datetime, city: City) -> bool:
    return case.extension_h is not None


def question_asked(case: Case, now: datetime, city: City) -> bool:
    return case.question_id is not None


def takes_more(case: Case, now: datetime, city: City) -> bool:
    return len(case.reports) < MOST_REPORTS


def has_joined_ones(case: Case, now: datetime, city: City) -> bool:
    return len(case.reports) > 1
