"""What tracking does with everything that happens: it writes down what readers will ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts import cases, credits, notices, reports, submissions
from contracts.cases import CaseFact
from contracts.credits import CreditFact
from contracts.facts import Event, Fact, InvalidEvent
from contracts.notices import NoticeFact
from contracts.observers import ObserverErased
from runtime.db import Connection
from runtime.outbox import Outgoing
from services.tracking.adapters import case_sql, erase_sql, report_sql, told_sql
from services.tracking.domain.batch import State, line_of


def reported(state: State, event: Event) -> None:
    """A fact about a report, and whose report it is."""
    report_id, reporter_id = _of_report(event.body)
    _check(event, report_id)
    state.owners[report_id] = reporter_id
    state.facts[report_id, event.seq] = event


def case_changed(state: State, event: Event) -> None:
    """The case as it is now, and one line of its timeline."""
    fact = event.body
    assert isinstance(fact, CaseFact)
    _check(event, fact.case.id)
    if event.seq != fact.case.seq:
        raise InvalidEvent("seq is not the case's")
    for each in fact.case.reports:
        if not _is_uuid(each.report_id):
            raise InvalidEvent("a report's id is no UUID")
    state.case_is(fact.case)
    state.lines[fact.case.id, event.seq] = line_of(event, fact)


def credited(state: State, event: Event) -> None:
    """Points of a reporter for a case or report."""
    fact = event.body
    assert isinstance(fact, CreditFact)
    state.points.append((event, fact))


def told(state: State, event: Event) -> None:
    """A notice that a reporter got, or did not."""
    fact = event.body
    assert isinstance(fact, NoticeFact)
    state.notices.append((event, fact))


def erased(state: State, event: Event) -> None:
    """Nothing of this reporter stays; the guard lets nothing of theirs in again."""
    fact = event.body
    assert isinstance(fact, ObserverErased)
    state.forgotten.add(fact.reporter_id)


HANDLERS: dict[type[Fact], Callable[[State, Event], None]] = {
    **dict.fromkeys(submissions.EVENTS + reports.EVENTS, reported),
    **dict.fromkeys(cases.EVENTS, case_changed),
    **dict.fromkeys(credits.EVENTS, credited),
    **dict.fromkeys(notices.EVENTS, told),
    ObserverErased: erased,
}
"""Other news of observers changes nothing that a reader of reports sees."""


class ReadSide:
    """The Effects of every topic. Nothing leaves."""

    topics: tuple[str, ...] = ("observers", "submissions", "reports", "cases", "credits", "notices")

    def __init__(self, zone: ZoneInfo) -> None:
        """`zone` is the city's: a case is counted under the local day of its opening."""
        self._zone = zone

    async def load(self, connection: Connection, events: Sequence[Event]) -> State:
        """Nothing is read: rows are keyed so that what is known already does not matter."""
        return State()

    def apply(self, state: State, event: Event) -> Sequence[Outgoing]:
        """Folds one event in."""
        if handler := HANDLERS.get(type(event.body)):
            handler(state, event)
        return ()

    async def save(self, connection: Connection, state: State) -> None:
        """Set by set, each in the order of its keys."""
        await report_sql.save(connection, state.owners, state.facts)
        await case_sql.save(connection, state.cases, self._zone)
        await case_sql.save_lines(connection, state.lines)
        await told_sql.save_points(connection, state.points)
        await told_sql.save_notices(connection, state.notices)
        await erase_sql.forget(connection, state.forgotten)


def _of_report(fact: Fact) -> tuple[str, str]:
    return fact.report_id, fact.reporter_id  # type: ignore[attr-defined]


def _check(event: Event, subject: str) -> None:
    if event.subject != subject or not _is_uuid(subject):
        raise InvalidEvent("subject is not the body's")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
