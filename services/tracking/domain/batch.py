"""What a batch of events says, as rows to be: each keyed so that order and repetition are nothing.

A report's fact has its (report, seq), a line of a timeline its (case, seq), and of a case only
the highest `seq` counts, for every event carries the whole case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from contracts.cases import Case, CaseFact
from contracts.credits import CreditFact
from contracts.facts import Event
from contracts.notices import NoticeFact


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
    """Rows by their keys; of who is `forgotten` the guard has let nothing in."""

    owners: dict[str, str] = field(default_factory=dict)
    facts: dict[tuple[str, int], Event] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    lines: dict[tuple[str, int], Line] = field(default_factory=dict)
    points: list[tuple[Event, CreditFact]] = field(default_factory=list)
    notices: list[tuple[Event, NoticeFact]] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)

    def case_is(self, case: Case) -> None:
        """Keeps the case when nothing newer of it is known."""
        known = self.cases.get(case.id)
        if known is None or known.seq < case.seq:
            self.cases[case.id] = case


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
