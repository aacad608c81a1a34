"""A case to begin with, as a report of a full bin in Xi'an opens it."""

from __future__ import annotations

from datetime import UTC, datetime

from cities.load import load_city
from contracts.cases import Alternative, Case
from contracts.places import Place
from contracts.reports import ReportNormalised
from services.dispatch.domain.opening import open_case
from services.dispatch.domain.routing import AREA

CITY = load_city("xian")
NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
HOME = "610113001002"
HERE = Alternative(community=HOME, reason=AREA)
REPORT_ID = "00000000-0000-4000-8000-000000000001"

REPORT = ReportNormalised(
    report_id=REPORT_ID,
    reporter_id="first",
    code="C",
    received_at=NOW,
    place=Place(lat=34.2, lon=108.9),
    cell="cell",
    category="06042",
    text="满了",
)


def assigned() -> Case:
    """Opened at NOW, assigned to HOME."""
    return open_case(REPORT, cell="cell", owners=[HERE], now=NOW, city=CITY)[-1].case
