"""Slow work beside the stream: a photo's header, its served copies, the end of a wait, a
voice note written down.

Jobs lock media before reports; the stream locks reports that no job knows of yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from cities.live import Live
from runtime import erasure, linking
from runtime.db import Connection, Database
from runtime.jobs import Commit, GiveUp, Job, JobRunner
from runtime.outbox import Outgoing, append
from services.intake.adapters import erase_sql, link_sql, media_sql, report_sql
from services.intake.adapters.city import Known
from services.intake.adapters.media_store import MediaMissing, MediaStore
from services.intake.adapters.photos.messages import PhotoHeader, PhotoRefused, PhotoResult
from services.intake.adapters.photos.processor import PhotoProcessor
from services.intake.adapters.speech import Transcriber
from services.intake.domain import normalise
from services.intake.domain.report import Decision, Photo, Report, Rules
from services.intake.handlers import EXIF, PLACE_DEADLINE, TRANSCRIBE

PHOTO = "photo"
NOW = "select clock_timestamp()"
Judge = Callable[[Report, Sequence[Photo], datetime, Rules], Decision]


class Jobs:
    """Headers and whole photos have decoders of their own: a header does not stand in line."""

    def __init__(
        self,
        store: MediaStore,
        live: Live[Known],
        transcriber: Transcriber | None = None,
        *,
        speech_s: float = 60.0,
    ) -> None:
        """`speech_s`: how long a transcription may take."""
        self._transcriber = transcriber
        self._speech_s = speech_s
        self._store = store
        self._live = live
        pixels = live.now.city.limits.photo_pixels
        self._headers = PhotoProcessor(most_pixels=pixels)
        self._photos = PhotoProcessor(most_pixels=pixels)

    @property
    def _rules(self) -> Rules:
        return self._live.now.rules

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._rules.city.timezone)

    async def start(self, _: Database) -> None:
        """The decoders' processes start ahead of the first photo."""
        await self._headers.__aenter__()
        await self._photos.__aenter__()

    async def close(self) -> None:
        """Ends the decoders."""
        await self._headers.__aexit__(None, None, None)
        await self._photos.__aexit__(None, None, None)

    def runners(self) -> tuple[JobRunner, ...]:
        """Quick ones, slow ones, and forgetting apart."""
        quick = {EXIF: self.read_headers, PLACE_DEADLINE: self.end_wait}
        slow = {PHOTO: self.serve_photo}
        return (
            JobRunner(quick, {}, concurrency=2),
            JobRunner(slow, {}, concurrency=1),
            JobRunner(
                {TRANSCRIBE: self.transcribe},
                {},
                concurrency=2,
                lease_s=2 * self._speech_s,
                first_delay_s=5.0,
            ),
            erasure.runner(erase_sql.erase, self.delete_files),
            linking.runner(link_sql.link),
        )

    async def delete_files(self, db: Database, reporter_id: str) -> None:
        """Photos and voice notes of who is forgotten; their rows go afterwards."""
        for media_id in await erase_sql.media_of(db, reporter_id):
            await self._store.delete(media_id)

    async def read_headers(self, _: Database, job: Job) -> Commit:
        """The place and time in a report's photos that their upload did not wait for."""
        ids = sorted(job.payload["photos"])
        found: dict[str, PhotoHeader | PhotoRefused] = {}
        for media_id in ids:
            with suppress(MediaMissing):
                async with self._store.local_copy(media_id) as path:
                    found[media_id] = await self._headers.read_exif(path)

        async def commit(connection: Connection) -> None:
            for media_id, reply in found.items():
                if isinstance(reply, PhotoRefused):
                    await media_sql.refuse(connection, media_id, reply)
                else:
                    await media_sql.keep_header(connection, media_id, reply, self._zone)
            await self._photos_read(connection, UUID(job.ref))

        return commit

    async def _photos_read(self, connection: Connection, report_id: UUID) -> None:
        now = await connection.fetchval(NOW)
        for report in (await report_sql.lock(connection, [report_id])).values():
            photos = await self._photos_of(connection, report)
            decision = normalise.photos_read(report, photos, now, self._rules)
            await keep(connection, [decision])

    async def end_wait(self, _: Database, job: Job) -> Commit:
        """Two seconds are over: ask the reporter, unless the place came."""

        async def commit(connection: Connection) -> None:
            now = await connection.fetchval(NOW)
            reports = await report_sql.lock(connection, [UUID(job.ref)])
            await keep(
                connection,
                [normalise.waited_long_enough(each, now, self._rules) for each in reports.values()],
            )

        return commit

    async def transcribe(self, db: Database, job: Job) -> Commit:
        """Writes a report's voice note down; without one of its clips there is nothing to hear."""
        if self._transcriber is None:
            raise GiveUp("no speech server is set any more")
        heard = []
        for clip in job.payload["clips"]:
            row = await media_sql.one(db, clip)
            if row is None:
                continue
            with suppress(MediaMissing):
                async with self._store.local_copy(clip) as path:
                    kind, language = row["content_type"], job.payload["language"]
                    heard.append(await self._transcriber.transcribe(path, kind, language))

        async def commit(connection: Connection) -> None:
            now = await connection.fetchval(NOW)
            for report in (await report_sql.lock(connection, [UUID(job.ref)])).values():
                decision = normalise.transcribed(report, "\n".join(heard), now, self._rules)
                await report_sql.save(connection, [decision.report])
                await append(connection, [Outgoing(each) for each in decision.events])

        return commit

    async def serve_photo(self, _: Database, job: Job) -> Commit:
        """Copies without metadata, made in a process of its own."""
        try:
            async with self._store.local_copy(job.ref) as path:
                reply = await self._photos.process(path)
        except MediaMissing:
            reply = PhotoRefused("damaged")
        if isinstance(reply, PhotoResult):
            for size_name, data in reply.served.items():
                await self._store.put_served(job.ref, size_name, data)

        async def commit(connection: Connection) -> None:
            if isinstance(reply, PhotoResult):
                await media_sql.keep_result(connection, job.ref, reply, self._zone)
                await self._tell(connection, job.ref, normalise.photo_seen)
            else:
                await media_sql.refuse(connection, job.ref, reply)
                await self._tell(connection, job.ref, normalise.photo_refused)

        return commit

    async def _tell(self, connection: Connection, media_id: str, judge: Judge) -> None:
        now = await connection.fetchval(NOW)
        ids = await report_sql.carrying(connection, media_id)
        decisions = []
        for report in (await report_sql.lock(connection, ids)).values():
            photos = await self._photos_of(connection, report)
            decisions.append(judge(report, photos, now, self._rules))
        await keep(connection, decisions)

    async def _photos_of(self, connection: Connection, report: Report) -> list[Photo]:
        """In the order in which the reporter sent them."""
        carried = [each.id for each in report.submitted.media]
        known = await media_sql.photos(connection, carried)
        return [known[each] for each in carried if each in known]


async def keep(connection: Connection, decisions: Sequence[Decision]) -> None:
    """Writes decisions about reports that the caller holds locked, and their events."""
    said = [each for each in decisions if each.events]
    await report_sql.save(connection, [each.report for each in said])
    await append(connection, [Outgoing(event) for each in said for event in each.events])
