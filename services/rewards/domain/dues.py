"""What a case, as it is now, is worth to whom: the rule table of the points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.cases import Case, CaseChecked
from contracts.city import City
from contracts.erasing import ERASED

Reason = Literal["first-report", "joined-report", "check", "false-report"]
"""The first word of a ledger key; `false-report` is a strike and worth nothing."""

OF_THE_CASE: frozenset[Reason] = frozenset({"first-report", "joined-report", "false-report"})
"""They stand and fall with the case; a check was made, whatever becomes of the case."""


@dataclass(frozen=True)
class Due:
    """Somebody's right (or strike) by a case in one of its rounds. `report_id`: the chain's."""

    subject_id: str
    reporter_id: str
    reason: Reason
    round: int
    points: int
    earned_at: datetime
    report_id: str

    @property
    def key(self) -> Key:
        return Key(self.subject_id, self.reporter_id, self.reason, self.round)


@dataclass(frozen=True, order=True)
class Key:
    """The business key: once each, for good."""

    subject_id: str
    reporter_id: str
    reason: Reason
    round: int


def dues_of(case: Case, city: City) -> list[Due]:
    """All that the case is worth in its present state, first reporter first; often nothing.

    Who was erased earns nothing.
    """
    if not case.reports:
        return []
    if case.state == "closed":
        return [each for each in _of_closed(case, city) if each.reporter_id != ERASED]
    first_is_known = case.reports[0].reporter_id != ERASED
    if case.state == "refused" and case.refusal in city.rewards.false_reasons and first_is_known:
        return [_due(case, 0, "false-report", 0)]
    return []


def due_of_check(fact: CaseChecked, at: datetime, city: City) -> Due | None:
    """A check by somebody who did not report the matter, with a fresh photo."""
    case = fact.case
    reporters = {each.reporter_id for each in case.reports}
    if not reporters or fact.reporter_id in {*reporters, ERASED} or not fact.media:
        return None
    first = case.reports[0].report_id
    points = city.rewards.check
    return Due(case.id, fact.reporter_id, "check", case.round, points, at, first)


def _of_closed(case: Case, city: City) -> list[Due]:
    """The first report has its category's points, every later reporter has `joined`, once."""
    found = [_due(case, 0, "first-report", city.points(case.category))]
    seen = {case.reports[0].reporter_id}
    for at, report in enumerate(case.reports):
        if report.reporter_id not in seen:
            seen.add(report.reporter_id)
            found.append(_due(case, at, "joined-report", city.rewards.joined))
    return found


def _due(case: Case, at: int, reason: Reason, points: int) -> Due:
    report = case.reports[at]
    earned_at = case.closed_at or case.updated_at
    return Due(case.id, report.reporter_id, reason, case.round, points, earned_at, report.report_id)
