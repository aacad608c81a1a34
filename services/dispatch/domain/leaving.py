"""How a decided fact leaves: as an event of its case, on the live streams of its owners."""

from __future__ import annotations

from contracts.cases import Case, CaseFact
from contracts.facts import Event, new_event

SERVICE = "dispatch"
COMMUNITY_DIGITS = 12


def event_of(fact: CaseFact, traceparent: str | None = None) -> Event:
    """The event; its chain began with the case's first report."""
    case = fact.case
    return new_event(
        fact,
        source=SERVICE,
        subject=case.id,
        seq=case.seq,
        occurred_at=case.updated_at,
        correlation_id=case.reports[0].report_id,
        traceparent=traceparent,
    )


def feeds_of(fact: CaseFact, before: Case | None = None) -> tuple[str, ...]:
    """The streams of who owns the case, of who owned it before, and of the community of a
    department's case."""
    informed = (each for each in fact.case.watchers if len(each) == COMMUNITY_DIGITS)
    feeds = [f"community:{each}" for each in informed]
    for case in (fact.case, before):
        if case is not None and case.community:
            feeds.append(f"community:{case.community}")
        if case is not None and case.department:
            feeds.append(f"department:{case.department}")
    return tuple(dict.fromkeys(feeds))
