"""What rewards does with news of a case or of an observer: books what is due by the rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID
from zoneinfo import ZoneInfo

from cities.live import Live
from contracts.cases import EVENTS as CASE_EVENTS
from contracts.cases import Case, CaseChecked, CaseFact
from contracts.city import City
from contracts.facts import Event, Fact, InvalidEvent
from contracts.observers import DeviceLinked, ObserverFact
from runtime import metrics
from runtime.db import Connection
from runtime.outbox import Outgoing
from services.rewards.adapters import book_sql
from services.rewards.domain.book import Book
from services.rewards.domain.dues import OF_THE_CASE, due_of_check, dues_of
from services.rewards.domain.leaving import event_of
from services.rewards.domain.standing import TABLE


@dataclass
class State:
    """What a batch touches: the locked accounts in a book, and what was heard of each case."""

    city: City
    book: Book
    seqs: dict[str, int] = field(default_factory=dict)


def case_told(state: State, event: Event) -> Sequence[Outgoing]:
    """Makes the book say what the case is worth now; older news of it than the newest says nothing.

    Level-triggered: any event of the case will do, in any order, any number of times.
    """
    case = _case(event)
    if case.seq <= state.seqs[case.id]:
        return ()
    state.seqs[case.id] = case.seq
    book = state.book
    dues = dues_of(case, state.city)
    wanted = {due.key for due in dues}
    for key in sorted(book.claims):
        if key.subject_id != case.id or book.accounts[key.reporter_id].erased:
            continue  # what an erased person's account says is kept as it is
        if key.reason in OF_THE_CASE and key not in wanted:
            book.reverse(key)
    for due in dues:
        book.enter(due)
    return _leave(state, event)


def checked(state: State, event: Event) -> Sequence[Outgoing]:
    """Points for who looked, once a round; then the case itself."""
    fact = event.body
    assert isinstance(fact, CaseChecked)
    _case(event)
    if due := due_of_check(fact, event.occurred_at, state.city):
        state.book.enter(due)
    return [*_leave(state, event), *case_told(state, event)]


def observer_told(state: State, event: Event) -> Sequence[Outgoing]:
    """The observer's standing, and what waited for it."""
    fact = event.body
    assert isinstance(fact, ObserverFact)
    if event.subject != fact.reporter_id:
        raise InvalidEvent("subject is not the reporter's id")
    accounts = state.book.accounts
    account = accounts[fact.reporter_id]
    accounts[fact.reporter_id] = TABLE[type(fact)](account, event.seq)
    state.book.settle(fact.reporter_id)
    return _leave(state, event)


def linked(state: State, event: Event) -> Sequence[Outgoing]:
    """What waited for the registration of a device's reporter waits for the person's.

    Lines of the ledger are reversed and written anew; what was credited stays where it is.
    """
    fact = event.body
    assert isinstance(fact, DeviceLinked)
    book = state.book
    for due in book.waiting_dues(fact.from_reporter_id):
        book.reverse(due.key)
        book.enter(replace(due, reporter_id=fact.reporter_id))
    return _leave(state, event)


HANDLERS: dict[type[Fact], Callable[[State, Event], Sequence[Outgoing]]] = {
    **dict.fromkeys(CASE_EVENTS, case_told),
    **dict.fromkeys(TABLE, observer_told),
    CaseChecked: checked,
    DeviceLinked: linked,
}


class Points:
    """The Effects of topics `cases` and `observers`. Locks cases, then accounts, each sorted."""

    topics: tuple[str, ...] = ("cases", "observers")

    def __init__(self, live: Live[City]) -> None:
        self._live = live

    async def load(self, connection: Connection, events: Sequence[Event]) -> State:
        """Only people whom the events may concern: most cases are worth nothing yet."""
        city = self._live.now
        told = [each.body for each in events if isinstance(each.body, CaseFact)]
        facts = [fact for fact in told if is_uuid(fact.case.id)]
        cases = {fact.case.id for fact in facts}
        seqs = await book_sql.lock_cases(connection, cases)
        reporters = await book_sql.claimants(connection, cases)
        reporters |= {due.reporter_id for f in facts for due in dues_of(f.case, city)}
        reporters |= {fact.reporter_id for fact in facts if isinstance(fact, CaseChecked)}
        bodies = [each.body for each in events]
        reporters |= {body.reporter_id for body in bodies if isinstance(body, ObserverFact)}
        devices = {body.from_reporter_id for body in bodies if isinstance(body, DeviceLinked)}
        now = await connection.fetchval("select clock_timestamp()")
        book = Book(city.rewards, ZoneInfo(city.timezone), now)
        subjects = cases | await book_sql.waited_for(connection, devices)
        await book_sql.load(connection, book, reporters=reporters | devices, subjects=subjects)
        return State(city, book, seqs)

    def apply(self, state: State, event: Event) -> Sequence[Outgoing]:
        """Folds one event in."""
        handler = HANDLERS.get(type(event.body))
        return handler(state, event) if handler else ()

    async def save(self, connection: Connection, state: State) -> None:
        """What was heard, and the book."""
        await book_sql.save_cases(connection, state.seqs)
        await book_sql.save(connection, state.book)
        measure(state.book)


def measure(book: Book) -> None:
    """Counts what the new lines say, by reason and outcome."""
    for entry in book.entries:
        reason = entry.key.reason
        if entry.step == "struck":
            metrics.STRIKES_TOTAL.inc()
        points = book.claims[entry.key].points
        metrics.POINTS_TOTAL.labels(reason, entry.step).inc(points)
        if entry.step == "credited" and entry.points < points:
            metrics.POINTS_TOTAL.labels(reason, "capped").inc(points - entry.points)


def _leave(state: State, event: Event) -> list[Outgoing]:
    now = state.book.now
    return [Outgoing(event_of(each, now, event.traceparent)) for each in state.book.booked()]


def _case(event: Event) -> Case:
    body = event.body
    assert isinstance(body, CaseFact)
    case = body.case
    if event.subject != case.id or not is_uuid(case.id):
        raise InvalidEvent("subject is not the case's id")
    if event.seq != case.seq:
        raise InvalidEvent("seq is not the case's")
    return case


def is_uuid(text: str) -> bool:
    """Whether it is a UUID in its one canonical spelling."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
