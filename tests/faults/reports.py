"""Reports as intake's worker tells them: what a run without HTTP puts on the topic itself."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from uuid import UUID

from cities.cells import cell
from contracts.envelope import encode
from contracts.facts import new_event
from contracts.places import Place
from contracts.reports import ReportNormalised
from tests.faults.bus import Raw
from tests.faults.ledger import Ledger, Sent
from tests.faults.places import CATEGORY, RESOLUTION

FIRST_MATTER = 1_000_000
"""Beyond those of a load that runs beside."""


class Reports:
    """Makes them by the run's seed and enters them into its ledger as accepted."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rng = random.Random(f"{ledger.seed}/{ledger.name}/{datetime.now(UTC)}")
        self._reporter = str(UUID(int=self._rng.getrandbits(128)))
        self._matter = FIRST_MATTER
        ledger.reporters.add(self._reporter)

    def matter(self) -> int:
        """A new one."""
        self._matter += 1
        return self._matter

    def at(
        self,
        lat: float,
        lon: float,
        *,
        matter: int | None = None,
        text: str = "垃圾桶满了",
        partition: int | None = None,
    ) -> Raw:
        """A report about a new matter, or about that one."""
        report_id = str(UUID(int=self._rng.getrandbits(128), version=4))
        self._ledger.accepted[report_id] = Sent(
            report_id, "direct", self.matter() if matter is None else matter
        )
        return self._record(report_id, lat, lon, text, partition)

    def refused_by_sql(self, lat: float, lon: float, *, partition: int | None = None) -> Raw:
        """F21: the schema is content, PostgreSQL is not; entered as poison."""
        report_id = str(UUID(int=self._rng.getrandbits(128), version=4))
        record = self._record(report_id, lat, lon, "井盖\x00没了", partition)
        self._ledger.refused_by_sql.append(record)
        return record

    def _record(
        self, report_id: str, lat: float, lon: float, text: str, partition: int | None
    ) -> Raw:
        now = datetime.now(UTC)
        body = ReportNormalised(
            report_id=report_id,
            reporter_id=self._reporter,
            code="F4UL7",
            received_at=now,
            place=Place(lat=round(lat, 7), lon=round(lon, 7)),
            cell=cell(lat, lon, RESOLUTION),
            category=CATEGORY,
            text=text,
        )
        record = encode(
            new_event(
                body,
                source="intake",
                subject=report_id,
                seq=2,
                occurred_at=now,
                correlation_id=report_id,
            )
        )
        headers = tuple((name, value.encode()) for name, value in record.headers.items())
        return Raw(record.topic, record.key, headers, record.value, partition)
