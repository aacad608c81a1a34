"""What intake's worker does with a submission: look, decide, say so. The whole of it.

A report that says where and has no files was decided by the commit that accepted it
(`at_once` in domain/normalise.py): the worker finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from cities.live import Live
from contracts.facts import Event, Fact, InvalidEvent
from contracts.submissions import ReportSubmitted
from runtime.db import Connection
from runtime.jobs import NewJob, enqueue
from runtime.outbox import Outgoing
from services.intake.adapters import media_sql, report_sql
from services.intake.adapters.city import Known
from services.intake.domain.normalise import decide
from services.intake.domain.report import Photo, Report, Rules

EXIF = "exif"
PLACE_DEADLINE = "place-deadline"
TRANSCRIBE = "transcribe"
WAITS_S = 1.5
"""For the place in a photo; the job's poll adds half a second at most (design.md: 2 s)."""


@dataclass
class State:
    """What a batch touches, by id, and what changed in it."""

    rules: Rules
    now: datetime
    reports: dict[str, Report]
    photos: dict[str, Photo]
    changed: dict[str, Report] = field(default_factory=dict)
    jobs: list[NewJob] = field(default_factory=list)
    transcribes: bool = False

    def photos_of(self, body: ReportSubmitted) -> list[Photo]:
        """In the order in which the reporter sent them."""
        return [self.photos[each.id] for each in body.media if each.id in self.photos]


def submitted(state: State, event: Event) -> Sequence[Outgoing]:
    """Place, text and category; or a short wait for the photos; or a question; or a refusal."""
    body = event.body
    assert isinstance(body, ReportSubmitted)
    if event.subject != body.report_id or uuid_of(body.report_id) is None:
        raise InvalidEvent("subject is not the report's id")
    report = state.reports.get(body.report_id) or Report(submitted=body, seq=event.seq)
    photos = state.photos_of(body)
    decision = decide(report, photos, state.now, state.rules)
    if decision.report is report:
        return ()  # It was decided when it was accepted.
    state.reports[report.id] = state.changed[report.id] = decision.report
    if decision.report.status == "reading":
        unread = [photo.id for photo in photos if not photo.read]
        state.jobs.append(NewJob(EXIF, report.id, {"photos": unread}))
        state.jobs.append(NewJob(PLACE_DEADLINE, report.id, {}, delay_s=WAITS_S))
    voice = [each for each in body.media if each.kind == "voice"]
    if state.transcribes and voice and decision.report.status != "refused":
        said = {"clips": [each.id for each in voice], "language": body.language}
        state.jobs.append(NewJob(TRANSCRIBE, report.id, said))
    return [Outgoing(replace(each, traceparent=event.traceparent)) for each in decision.events]


HANDLERS: dict[type[Fact], Callable[[State, Event], Sequence[Outgoing]]] = {
    ReportSubmitted: submitted,
}


class Submissions:
    """The Effects of topic `submissions`. Locks reports, then shares their photos."""

    topics: tuple[str, ...] = ("submissions",)

    def __init__(self, live: Live[Known], *, transcribes: bool = False) -> None:
        """`transcribes`: voice notes become jobs, because somebody can write them down."""
        self._live = live
        self._transcribes = transcribes

    async def load(self, connection: Connection, events: Sequence[Event]) -> State:
        """Reports, photos and the database's clock."""
        bodies = [each.body for each in events if isinstance(each.body, ReportSubmitted)]
        ids = {found for body in bodies if (found := uuid_of(body.report_id))}
        reports = await report_sql.lock(connection, ids)
        media = {each.id for body in bodies for each in body.media if each.kind == "photo"}
        photos = await media_sql.photos(connection, media, share=True)
        now = await connection.fetchval("select clock_timestamp()")
        return State(self._live.now.rules, now, reports, photos, transcribes=self._transcribes)

    def apply(self, state: State, event: Event) -> Sequence[Outgoing]:
        """Folds one event in."""
        handler = HANDLERS.get(type(event.body))
        return handler(state, event) if handler else ()

    async def save(self, connection: Connection, state: State) -> None:
        """Reports, their links to media, and the jobs that they wait for."""
        changed = [state.changed[key] for key in sorted(state.changed)]
        await report_sql.save(connection, changed)
        await report_sql.link(connection, [report.submitted for report in changed])
        await enqueue(connection, state.jobs)


def uuid_of(text: str) -> UUID | None:
    """The UUID in its one canonical spelling, else None."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None
