"""What a batch of events says, as rows to be: each keyed so that order and repetition are nothing.

A report's fact has its (report, seq), a line of a timeline its (case, seq), and of a case only
the highest `seq` counts, for every event carries the whole case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from contracts.cases import Case, CaseFact
from contracts.credits import CreditFact
from contracts.facts import Event
from contracts.notices import NoticeFact

ERASED = "erased"
"""Stands where the id of an erased reporter stood."""


@dataclass(frozen=True)
class Line:
    """One line of a case's timeline."""

    case_id: str
    seq: int
    type: str
    at: datetime
    by_role: str
    by_id: str
    state: str
    reason: str | None
    note: str | None


@dataclass
class State:
    """Rows by their keys; `erased` are the reporters of whom nothing may be kept."""

    erased: set[str] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)
    facts: dict[tuple[str, int], Event] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    lines: dict[tuple[str, int], Line] = field(default_factory=dict)
    points: list[tuple[Event, CreditFact]] = field(default_factory=list)
    notices: list[tuple[Event, NoticeFact]] = field(default_factory=list)
    forgotten: dict[str, datetime] = field(default_factory=dict)

    def case_is(self, case: Case) -> None:
        """Keeps the case when nothing newer of it is known."""
        known = self.cases.get(case.id)
        if known is None or known.seq < case.seq:
            self.cases[case.id] = without(case, self.erased)

    def forget(self, reporter_id: str, at: datetime) -> None:
        """Drops what the batch itself said of this reporter; the rest is SQL's."""
        self.erased.add(reporter_id)
        self.forgotten.setdefault(reporter_id, at)
        gone = {each for each, owner in self.owners.items() if owner == reporter_id}
        self.owners = {k: v for k, v in self.owners.items() if k not in gone}
        self.facts = {k: v for k, v in self.facts.items() if k[0] not in gone}
        self.cases = {k: without(v, self.erased) for k, v in self.cases.items()}
        self.lines = {k: unsigned(v, self.erased) for k, v in self.lines.items()}
        self.points = [each for each in self.points if each[1].reporter_id != reporter_id]
        self.notices = [each for each in self.notices if each[1].recipient_id != reporter_id]


def line_of(event: Event, fact: CaseFact) -> Line:
    """The line that a fact adds to its case's timeline."""
    case = fact.case
    return Line(
        case_id=case.id,
        seq=case.seq,
        type=event.type,
        at=case.updated_at,
        by_role=fact.by.role,
        by_id=fact.by.id,
        state=case.state,
        reason=fact.reason,
        note=fact.note,
    )


def without(case: Case, erased: set[str]) -> Case:
    """The case without the words, pictures and ids of erased reporters."""
    if not any(each.reporter_id in erased for each in case.reports):
        return case
    reports = tuple(
        replace(each, reporter_id=ERASED) if each.reporter_id in erased else each
        for each in case.reports
    )
    if reports[0].reporter_id == ERASED:
        return replace(case, reports=reports, text=None, media=())
    return replace(case, reports=reports)


def unsigned(line: Line, erased: set[str]) -> Line:
    """The line without what an erased reporter wrote."""
    if line.by_role != "reporter" or line.by_id not in erased:
        return line
    return Line(**vars(line) | {"by_id": ERASED, "note": None})
