"""The answer to "where?": decided by the same rules as the worker's, under the same lock."""

from __future__ import annotations

from uuid import UUID

from contracts.submissions import SentPlace
from runtime.errors import Problem, not_found
from runtime.idempotency import Answer, claim, request_hash, store
from runtime.outbox import Outgoing, append
from services.intake.adapters import media_sql, report_sql
from services.intake.api.context import Context
from services.intake.api.problems import NOT_ASKED
from services.intake.domain.normalise import answered


async def answer_place(
    context: Context, reporter_id: str, report_id: UUID, sent: SentPlace, key: str | None
) -> Answer:
    """Raises 404 for what is not the reporter's, 409 when nobody asks, 422 for a reused key."""
    digest = request_hash("POST /v1/reports/{id}/place", str(report_id), sent)
    async with context.db.transaction() as connection:
        if key and (earlier := await claim(connection, reporter_id, key, digest)):
            return earlier
        report = (await report_sql.lock(connection, [report_id])).get(str(report_id))
        if report is None or report.submitted.reporter_id != reporter_id:
            raise not_found()
        carried = [each.id for each in report.submitted.media]
        known = await media_sql.photos(connection, carried)
        photos = [known[each] for each in carried if each in known]
        now = await connection.fetchval("select clock_timestamp()")
        decision = answered(report, sent, photos, now, context.rules)
        if decision is None:
            raise Problem(NOT_ASKED, state=report.status)
        await report_sql.save(connection, [decision.report])
        await append(connection, [Outgoing(event) for event in decision.events])
        answer = _answer(report_id, report.submitted.code)
        if key:
            await store(connection, reporter_id, key, answer)
    context.bell.ring()
    return answer


def _answer(report_id: UUID, code: str) -> Answer:
    links = {"self": f"/v1/reports/{report_id}"}
    return Answer.of(202, {"id": str(report_id), "code": code, "links": links})
