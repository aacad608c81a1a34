"""From a checked body to a durable report: the part of the accept path that all doors share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from contracts.city import City
from contracts.facts import new_event
from contracts.submissions import Media, Open311, ReportSubmitted
from runtime.errors import (
    INVALID,
    REUSED_KEY,
    SUSPENDED,
    FieldError,
    Language,
    Problem,
    invalid_field,
)
from runtime.idempotency import Answer, request_hash
from runtime.outbox import Outgoing, line
from services.intake.adapters import media_sql
from services.intake.adapters.accept_sql import Accepting, Claim, CodeTaken, MayNotReport, Stored
from services.intake.api.bodies import ReportBody
from services.intake.api.context import Context
from services.intake.api.problems import NO_CONTENT, TOO_MANY_PHOTOS
from services.intake.domain.categorise import says_danger
from services.intake.domain.normalise import at_once
from services.intake.domain.report import Report, most_chars
from services.intake.domain.text import clean_text

CODE_DRAWS = 5


async def accept(
    context: Context,
    reporter_id: str,
    language: Language,
    body: ReportBody,
    uploaded: Iterable[Media] = (),
    key: str | None = None,
    open311: Open311 | None = None,
) -> Answer:
    """The 202 of a report that is committed, or of the one that its key stands for.

    Raises 422 for what is wrong with the fields and for a reused key, 403 for who is suspended.
    """
    context.need_room()
    own = await _own_media(context, reporter_id, body.media)
    media = tuple({each.id: each for each in (*own, *uploaded)}.values())
    text = checked_fields(context, body, open311)
    check_content(context, text, media)
    for draw in range(CODE_DRAWS):
        submitted = _submitted(context, reporter_id, language, body, text, media, open311)
        answer = _answer(submitted, context.city)
        digest = _digest(submitted) if key else None
        try:
            return await _commit(context, submitted, Claim(key, digest, answer))
        except CodeTaken:
            if draw == CODE_DRAWS - 1:
                raise
    raise AssertionError("unreachable")


async def _commit(context: Context, submitted: ReportSubmitted, claim: Claim) -> Answer:
    event = new_event(
        submitted,
        source="intake",
        subject=submitted.report_id,
        seq=1,
        occurred_at=submitted.received_at,
        correlation_id=submitted.report_id,
    )
    decision = at_once(Report(submitted=submitted), submitted.received_at, context.rules)
    lines = [line(Outgoing(each, direct=True)) for each in (event, *decision.events)]
    try:
        found = await context.accepts.ask(Accepting(decision.report, claim, lines))
    except MayNotReport as error:
        raise Problem(SUSPENDED) from error
    if isinstance(found, Stored):
        if found.request_hash != claim.request_hash:
            raise Problem(REUSED_KEY)
        return found.answer
    for row in found:
        context.send_now.offer(row)
    return claim.answer


def checked_fields(context: Context, body: ReportBody, open311: Open311 | None = None) -> str:
    """The clean text. Raises 422 for what only the city's data can tell."""
    most = most_chars(context.city, open311)
    errors = []
    if body.text and len(body.text) > most:
        errors.append(FieldError("text", f"最多 {most} 字", f"At most {most} characters"))
    if body.category is not None and context.city.category(body.category) is None:
        errors.append(FieldError("category", "没有这个类别", "There is no such category"))
    if errors:
        raise Problem(INVALID, errors=errors)
    return clean_text(body.text or "", most)


def check_content(context: Context, text: str, media: tuple[Media, ...]) -> None:
    """Raises 422 for nothing at all and for too many photos."""
    if not text and not media:
        raise Problem(NO_CONTENT)
    most = context.city.limits.photos_per_report
    if sum(each.kind == "photo" for each in media) > most:
        raise Problem(TOO_MANY_PHOTOS, zh=f"最多 {most} 张", en=f"At most {most} photos")


async def _own_media(context: Context, reporter_id: str, ids: list[str]) -> tuple[Media, ...]:
    if not ids:
        return ()
    found = await media_sql.own(context.db, reporter_id, ids)
    if missing := set(ids) - found.keys():
        at = min(index for index, each in enumerate(ids) if each in missing)
        raise invalid_field(f"media.{at}", "没有这个文件", "There is no such medium of yours")
    return tuple(found[each].media() for each in ids)


def _submitted(
    context: Context,
    reporter_id: str,
    language: Language,
    body: ReportBody,
    text: str,
    media: tuple[Media, ...],
    open311: Open311 | None,
) -> ReportSubmitted:
    now = context.clock()
    return ReportSubmitted(
        report_id=context.new_id(now),
        reporter_id=reporter_id,
        code=context.new_code(),
        received_at=now,
        text=text or None,
        category=body.category,
        place=body.place.sent() if body.place else None,
        media=media,
        attributes=_clean_attributes(body.attributes),
        observed_at=body.observed_at,
        language=language,
        open311=open311,
    )


def _clean_attributes(attributes: dict[str, list[str]]) -> dict[str, list[str]]:
    return {
        clean_text(code, 60): [clean_text(each, 500) for each in answers]
        for code, answers in attributes.items()
    }


def _digest(sent: ReportSubmitted) -> bytes:
    """Of what the client chose; files count by their bytes, since equal bytes have one id."""
    fields: list[Any] = [
        sent.text,
        sent.category,
        sent.place,
        sorted(each.id for each in sent.media),
        sent.attributes,
        sent.observed_at,
    ]
    if sent.open311 is not None:
        fields.append(replace(sent.open311, private_media=()))
    return request_hash("POST /v1/reports", *fields)


def _answer(sent: ReportSubmitted, city: City) -> Answer:
    links = {"self": f"/v1/reports/{sent.report_id}"}
    given: dict[str, Any] = {"id": sent.report_id, "code": sent.code, "links": links}
    if says_danger(sent.text or "", sent.category, city):
        given["danger"] = {
            "advice": msgspec.to_builtins(city.danger_advice),
            "call": msgspec.to_builtins(city.emergency),
        }
    return Answer.of(202, given)
