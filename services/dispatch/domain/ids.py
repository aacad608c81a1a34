"""Ids that follow from what they stand for: the same in every run."""

from __future__ import annotations

from uuid import uuid5

from contracts.cases import Case
from contracts.facts import EVENT_NAMESPACE


def question_id(case: Case) -> str:
    """The id of the question that the case's next fact asks."""
    return str(uuid5(EVENT_NAMESPACE, f"question:{case.id}:{case.seq + 1}"))


def me_too_id(case: Case, reporter_id: str) -> str:
    """The id that stands for the report of somebody who joined without sending one."""
    return str(uuid5(EVENT_NAMESPACE, f"join:{case.id}:{reporter_id}"))


def separated_id(case: Case, report_id: str) -> str:
    """The id of the case that a separated report opens."""
    return str(uuid5(EVENT_NAMESPACE, f"separate:{case.id}:{case.seq + 1}:{report_id}"))
