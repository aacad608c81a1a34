"""What a batch of reports touches, folded in memory: later ones see what earlier ones did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from contracts.cases import Alternative, Case, CaseFact
from contracts.city import City, DuplicateRule
from contracts.reports import ReportEnriched, ReportNormalised
from contracts.submissions import Media
from services.dispatch.domain.conditions import MOST_REPORTS
from services.dispatch.domain.duplicates import Candidate, Match, Sighting, compare


@dataclass(frozen=True)
class Search:
    """A report's circle: what it saw, the rule of its family, the cells that it touches.

    `ordinary`: what is said of every thing of the family; `same_photo`: see ReportNormalised.
    """

    sighting: Sighting
    rule: DuplicateRule
    cells: tuple[str, ...]
    ordinary: Set[str] = frozenset()
    same_photo: str | None = None


@dataclass(frozen=True)
class Membership:
    """A report that belongs to a case, with the ids of its media."""

    report_id: str
    case_id: str
    reporter_id: str
    joined_at: datetime
    media: tuple[str, ...]


@dataclass(frozen=True)
class KnownReport:
    """Where a report went before."""

    case_id: str
    media: tuple[str, ...]


def lock_name(family: str, cell: str) -> str:
    """What the locks of duplicates are about."""
    return f"{family} {cell}"


@dataclass
class State:
    """What a batch touches, by id; cases also by family and cell; and what changed.

    `searches` are by report; of cases that are told more of, `looks` are by case. What the database
    knew in their circles is `found`: only what `cases` holds too is locked, and may be joined.
    `standing` is whether a reporter is suspended, and the number of the event that said so.
    """

    city: City
    now: datetime
    searches: dict[str, Search] = field(default_factory=dict)
    looks: dict[str, Search] = field(default_factory=dict)
    found: dict[str, list[Candidate]] = field(default_factory=dict)
    owners: dict[str, tuple[Alternative, ...]] = field(default_factory=dict)
    known: dict[str, KnownReport] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    by_cell: dict[str, set[str]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    members: dict[str, Membership] = field(default_factory=dict)
    facts: list[CaseFact] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    standing: dict[str, tuple[bool, int]] = field(default_factory=dict)

    def remember(self, case: Case) -> None:
        """The case as it is now."""
        self.cases[case.id] = case
        self.by_cell.setdefault(lock_name(case.family, case.cell), set()).add(case.id)

    def matches(self, search: Search, found: Iterable[Candidate]) -> list[Match]:
        """Cases that may be meant, the likeliest first: as they are now where they are held."""
        names = [lock_name(search.rule.family, each) for each in search.cells]
        ids = {each for name in names for each in self.by_cell.get(name, ())}
        cases = [self.cases[each] for each in sorted(ids)]
        held = [_candidate(case) for case in cases if len(case.reports) < MOST_REPORTS]
        others = [each for each in found if each.id not in self.cases]
        photographed = self.known.get(search.same_photo) if search.same_photo else None
        return compare(
            search.sighting,
            [*held, *others],
            search.rule,
            search.ordinary,
            photographed.case_id if photographed else None,
        )

    def decided(self, facts: Sequence[CaseFact]) -> Sequence[CaseFact]:
        """Keeps the facts."""
        for fact in facts:
            self.remember(fact.case)
            self.changed.add(fact.case.id)
        self.facts.extend(facts)
        return facts

    def belongs(
        self,
        report: ReportNormalised | ReportEnriched,
        case_id: str,
        media: Sequence[Media],
    ) -> None:
        """The report is in that case, with these media, from now on."""
        ids = tuple(each.id for each in media)
        self.known[report.report_id] = KnownReport(case_id, ids)
        self.members[report.report_id] = Membership(
            report.report_id, case_id, report.reporter_id, self.now, ids
        )


def _candidate(case: Case) -> Candidate:
    return Candidate(
        id=case.id,
        family=case.family,
        lat=case.place.lat,
        lon=case.place.lon,
        state=case.state,
        opened_at=case.opened_at,
        active_at=max(each.joined_at for each in case.reports),
        code=case.code,
        accuracy_m=case.place.accuracy_m,
        text=case.text,
    )
