"""Where to look for the matter that a report may be about, and what a handler is told of it."""

from __future__ import annotations

from collections.abc import Iterable

from cities.cells import cells_touching_circle
from contracts.cases import Case, Suggestion
from contracts.reports import ReportEnriched, ReportNormalised
from services.dispatch.adapters.city import Known
from services.dispatch.domain.batch import Search
from services.dispatch.domain.duplicates import JOINABLE, Match, Sighting
from services.dispatch.domain.opening import case_id_of

MOST_SUGGESTED = 3


def search_of(report: ReportNormalised, known: Known) -> Search:
    """The circle of a new report."""
    return _search(
        Sighting(
            lat=report.place.lat,
            lon=report.place.lon,
            family=known.city.family(report.category),
            at=report.received_at,
            accuracy_m=report.place.accuracy_m,
            text=report.text,
        ),
        report.same_photo,
        known,
    )


def look_of(case: Case, report: ReportEnriched, known: Known) -> Search | None:
    """The circle of a case that its only report tells more of; None when that says nothing here."""
    only = case.reports[0].report_id
    tells = report.text or report.category or report.same_photo
    if not tells or case.state not in JOINABLE or len(case.reports) > 1:
        return None
    if case.id != case_id_of(only):  # somebody separated it: asking again would be a nuisance
        return None
    return _search(
        Sighting(
            lat=case.place.lat,
            lon=case.place.lon,
            family=known.city.family(report.category or case.category),
            at=case.opened_at,
            accuracy_m=case.place.accuracy_m,
            text=report.text or case.text,
        ),
        report.same_photo,
        known,
    )


def _search(sighting: Sighting, same_photo: str | None, known: Known) -> Search:
    rule = known.city.rule(sighting.family)
    cells: tuple[str, ...] = ()
    if rule.reach_m > 0:
        at = sighting.lat, sighting.lon
        cells = cells_touching_circle(*at, rule.reach_m, known.city.h3_resolution)
    ordinary = known.ordinary.get(sighting.family, frozenset())
    return Search(sighting, rule, cells, ordinary, same_photo)


def suggestions(matches: Iterable[Match], but: str = "") -> tuple[Suggestion, ...]:
    """The few likeliest, without the case itself."""
    shown = [each for each in matches if each.case.id != but][:MOST_SUGGESTED]
    return tuple(
        Suggestion(
            case_id=each.case.id,
            code=each.case.code,
            distance_m=round(each.distance_m, 1),
            same_by=each.same_by,
        )
        for each in shown
    )
