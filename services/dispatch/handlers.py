"""What dispatch does with a report: joins it to the case that it is about, or opens one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from uuid import UUID

from cities.areas import Areas
from cities.cells import cell
from cities.live import Live
from contracts.cases import Alternative, CaseFact
from contracts.city import City
from contracts.facts import Event, Fact, InvalidEvent
from contracts.observers import ObserverReinstated, ObserverSuspended
from contracts.reports import ReportEnriched, ReportNormalised
from runtime import metrics
from runtime.db import Connection
from runtime.outbox import Outgoing
from services.dispatch.adapters import case_sql, near_sql, standing_sql
from services.dispatch.adapters.circles import look_of, search_of, suggestions
from services.dispatch.adapters.city import Known
from services.dispatch.domain.batch import Search, State, lock_name
from services.dispatch.domain.changing import sent_on
from services.dispatch.domain.duplicates import Match
from services.dispatch.domain.leaving import event_of, feeds_of
from services.dispatch.domain.opening import enrich, join, open_case
from services.dispatch.domain.routing import SURE, owners


def normalised(state: State, event: Event) -> Sequence[Outgoing]:
    """One case a report: joined, or opened; known ones change nothing."""
    report = event.body
    assert isinstance(report, ReportNormalised)
    _check(event, report.report_id)
    search = state.searches.get(report.report_id)
    if search is None:
        raise InvalidEvent("place is not on the earth")
    if report.report_id in state.known:
        return ()
    matches = state.matches(search, state.found.get(report.report_id, ()))
    match = next((each for each in matches if each.joins and each.case.id in state.cases), None)
    facts = _joined(state, report, match) if match else _opened(state, report, matches)
    state.belongs(report, facts[0].case.id, report.media)
    state.waits_s.append(max(0.0, (state.now - report.received_at).total_seconds()))
    return _leave(event, state.decided(facts))


def _opened(state: State, report: ReportNormalised, matches: Sequence[Match]) -> Sequence[CaseFact]:
    place, city = report.place, state.city
    return open_case(
        report,
        cell=cell(place.lat, place.lon, city.h3_resolution),
        owners=state.owners[report.report_id],
        now=state.now,
        city=city,
        suggestions=suggestions(matches),
    )


def _joined(state: State, report: ReportNormalised, match: Match) -> Sequence[CaseFact]:
    case = state.cases[match.case.id]
    return [join(case, report, distance_m=match.distance_m, now=state.now, city=state.city)]


def enriched(state: State, event: Event) -> Sequence[Outgoing]:
    """Tells the report's case what came late."""
    report = event.body
    assert isinstance(report, ReportEnriched)
    _check(event, report.report_id)
    known = state.known.get(report.report_id)
    if known is None or known.case_id not in state.cases:
        return ()
    case = state.cases[known.case_id]
    look = state.looks.get(case.id)
    maybe = suggestions(state.matches(look, state.found[case.id]), case.id) if look else None
    fact = enrich(case, report, had=known.media, now=state.now, city=state.city, suggestions=maybe)
    if fact is None:
        return ()
    if report.media is not None:
        state.belongs(report, case.id, report.media)
    sent = sent_on(case, fact.case, report.category_source, state.now, state.city)
    return _leave(event, state.decided([fact, sent] if sent else [fact]))


def standing_told(state: State, event: Event) -> Sequence[Outgoing]:
    """An operator suspended a reporter, or reinstated one; what is older says nothing."""
    fact = event.body
    assert isinstance(fact, ObserverSuspended | ObserverReinstated)
    if event.subject != fact.reporter_id:
        raise InvalidEvent("subject is not the reporter's id")
    _, seq = state.standing.get(fact.reporter_id, (False, 0))
    if event.seq > seq:
        state.standing[fact.reporter_id] = (isinstance(fact, ObserverSuspended), event.seq)
    return ()


HANDLERS: dict[type[Fact], Callable[[State, Event], Sequence[Outgoing]]] = {
    ReportNormalised: normalised,
    ReportEnriched: enriched,
    ObserverSuspended: standing_told,
    ObserverReinstated: standing_told,
}
"""PlaceAsked and ReportRefused make no case."""


class Reports:
    """The Effects of topics `reports` and `observers`."""

    topics: tuple[str, ...] = ("reports", "observers")

    def __init__(self, live: Live[Known]) -> None:
        self._live = live

    async def load(self, connection: Connection, events: Sequence[Event]) -> State:
        """Locks of the search circles first, then what they hold, then rows by id."""
        # One city for the whole batch, whatever is read anew meanwhile.
        city_now = self._live.now
        city = city_now.city
        new = [e.body for e in events if isinstance(e.body, ReportNormalised) and _usable(e.body)]
        late = [e.body for e in events if isinstance(e.body, ReportEnriched)]
        searches = {each.report_id: search_of(each, city_now) for each in new}
        now = await case_sql.advisory(connection, _locks(searches, late, city))
        told: list[ReportNormalised | ReportEnriched] = [*new, *late]
        named = {each.report_id for each in told} | {each.same_photo for each in told}
        ids = {each for each in named if each and _is_uuid(each)}
        known = await case_sql.known_reports(connection, ids) if ids else {}
        state = State(city, now, searches, owners=_owners(new, city, city_now.areas), known=known)
        await _find(connection, state, searches)
        touched = {known[each.report_id].case_id for each in late if each.report_id in known}
        for report_id, search in searches.items():
            matches = state.matches(search, state.found[report_id])
            touched |= {each.case.id for each in matches[:1] if each.joins}
        cases = await case_sql.lock(connection, touched)
        if cases:  # their rows may have been waited for
            state.now = await connection.fetchval("select clock_timestamp()")
        for case in cases.values():
            state.remember(case)
        for report in late:
            there = known.get(report.report_id)
            if there is None or there.case_id not in cases:
                continue
            if look := look_of(cases[there.case_id], report, city_now):
                state.looks[there.case_id] = look
        await _find(connection, state, state.looks)
        return state

    def apply(self, state: State, event: Event) -> Sequence[Outgoing]:
        """Folds one event in."""
        handler = HANDLERS.get(type(event.body))
        return handler(state, event) if handler else ()

    async def save(self, connection: Connection, state: State) -> None:
        """Cases, who belongs to them, timelines; who is suspended."""
        cases = [state.cases[each] for each in state.changed]
        members = [state.members[each] for each in sorted(state.members)]
        await case_sql.save(connection, cases, state.city, state.facts, members)
        await standing_sql.save(connection, state.standing)
        _measure(state)


def _owners(
    reports: Sequence[ReportNormalised], city: City, areas: Areas
) -> dict[str, tuple[Alternative, ...]]:
    """By report, whoever may have its case. A guess from its words sends nobody away."""
    routing = city.routing
    points = [(each.place.lat, each.place.lon) for each in reports]
    found = areas.surroundings(points, routing.border_m, routing.nearest_m)
    return {
        each.report_id: owners(where, _sure_category(each, city), routing)
        for each, where in zip(reports, found, strict=True)
    }


def _sure_category(report: ReportNormalised, city: City) -> str | None:
    known = city.category(report.category)
    return known.code if known and report.category_source in SURE else None


async def _find(connection: Connection, state: State, searches: Mapping[str, Search]) -> None:
    found = await near_sql.near(connection, list(searches.values()))
    state.found |= dict(zip(searches, found, strict=True))


def _locks(searches: dict[str, Search], late: Sequence[ReportEnriched], city: City) -> set[str]:
    names = {lock_name(s.rule.family, each) for s in searches.values() for each in s.cells}
    for report in late:
        if report.category is not None:
            names.add(lock_name(city.family(report.category), report.cell))
    return names


def _measure(state: State) -> None:
    for wait_s in state.waits_s:
        metrics.POST_TO_QUEUE_SECONDS.observe(wait_s)
    opened = [fact.case for fact in state.facts if fact.case.seq == 1]
    metrics.CASES_OPENED_TOTAL.labels("opened").inc(len(opened))
    metrics.CASES_OPENED_TOTAL.labels("joined").inc(len(state.waits_s) - len(opened))
    provisional = sum(case.clocks.provisional for case in opened)
    metrics.PROVISIONAL_CLOCKS_TOTAL.inc(provisional)


def _leave(event: Event, facts: Sequence[CaseFact]) -> list[Outgoing]:
    return [Outgoing(event_of(fact, event.traceparent), feeds_of(fact)) for fact in facts]


def _check(event: Event, report_id: str) -> None:
    if event.subject != report_id or not _is_uuid(report_id):
        raise InvalidEvent("subject is not the report's id")


def _usable(report: ReportNormalised) -> bool:
    lat, lon = report.place.lat, report.place.lon
    return isfinite(lat) and isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
